package dev.darkroom.api.who;

import dev.darkroom.access.ApiKey;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;

/**
 * Where a request has its API key or token: {@code Authorization: Bearer}; or, as clients of other services send a key, the
 * password or the user of {@code Authorization: Basic}, {@code api-key} (Azure's OpenAI) or {@code x-api-key}. Basic is
 * never asked for by a challenge: a browser would then keep it and send it with whatever a page of others posts.
 */
final class Credentials implements BearerTokenResolver {

    private static final String BASIC = "basic ";

    private final BearerTokenResolver bearer = new DefaultBearerTokenResolver();

    @Override
    public @Nullable String resolve(HttpServletRequest request) {
        String token = bearer.resolve(request);
        if (token != null) {
            return token;
        }
        Optional<String[]> basic = basic(request.getHeader(HttpHeaders.AUTHORIZATION));
        return basic.flatMap(parts -> Stream.of(parts[1], parts[0])
                        .filter(part -> part.startsWith(ApiKey.PREFIX))
                        .findFirst())
                .or(() -> Stream.of("api-key", "x-api-key")
                        .map(request::getHeader)
                        .filter(key -> key != null && !key.isBlank())
                        .map(String::strip)
                        .findFirst())
                .or(() -> basic.map(parts -> parts[1]).filter(other -> !other.isBlank())) // to be refused
                .orElse(null);
    }

    /** User and password. */
    private static Optional<String[]> basic(@Nullable String header) {
        if (header == null || !header.toLowerCase(Locale.ROOT).startsWith(BASIC)) {
            return Optional.empty();
        }
        String pair;
        try {
            pair = new String(
                    Base64.getDecoder().decode(header.substring(BASIC.length()).strip()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new OAuth2AuthenticationException(
                    BearerTokenErrors.invalidToken("user:password in base 64 is expected"));
        }
        int colon = pair.indexOf(':');
        return Optional.of(
                colon < 0
                        ? new String[] {pair, ""}
                        : new String[] {pair.substring(0, colon), pair.substring(colon + 1)});
    }
}
