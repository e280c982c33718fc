package dev.darkroom.api.who;

import dev.darkroom.job.Quota;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.Principal;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;

/**
 * Who posts a request: a key, an issuer's subject, or, where nobody is asked, the address it comes from.
 *
 * @param id at most 200 characters; callers take turns by it, and who is known owns its jobs by it
 * @param known whether it was asked who it is
 * @param requestsPerMinute null for any number
 */
public record Caller(String id, boolean known, @Nullable Integer requestsPerMinute, Quota quota) {

    private static final int MAX_LENGTH = 200;

    public static Caller of(HttpServletRequest request) {
        Principal principal = request.getUserPrincipal();
        if (principal instanceof KeyAuthentication authentication) {
            return new Caller(
                    authentication.getName(),
                    true,
                    authentication.key().requestsPerMinute(),
                    authentication.key().quota());
        }
        if (principal instanceof JwtAuthenticationToken authentication) {
            String id = "jwt:" + authentication.getToken().getIssuer() + " " + authentication.getName();
            return new Caller(id.length() <= MAX_LENGTH ? id : "jwt:" + hash(id), true, null, Quota.NONE);
        }
        return new Caller("address:" + request.getRemoteAddr(), false, null, Quota.NONE);
    }

    /** Whether a job of {@code owner} is this caller's to see. */
    boolean mayHave(String owner) {
        return !known || id.equals(owner);
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
