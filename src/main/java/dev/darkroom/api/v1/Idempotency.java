package dev.darkroom.api.v1;

import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.Caller;
import dev.darkroom.job.IdempotencyKey;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The {@code Idempotency-Key} header. */
@Component
public class Idempotency {

    static final String HEADER = "Idempotency-Key";

    private static final String FORM = "^[!-~]{1,255}$";
    private static final Pattern KEY = Pattern.compile(FORM);

    /** Describes the header in the OpenAPI document. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            name = HEADER,
            in = ParameterIn.HEADER,
            description = "Makes it safe to send the request again: for at least 24 hours, unless its job is deleted"
                    + " before, a request with the same key, body and Accept makes no other job and gets the first"
                    + " answer. Keys of different callers are different. A client that sends one may hang up and come"
                    + " back: its job is not canceled meanwhile",
            schema = @Schema(type = "string", pattern = FORM))
    public @interface Header {}

    private final JsonMapper json;

    Idempotency(JsonMapper json) {
        this.json = json;
    }

    /**
     * Null if the request has no key.
     *
     * @param body what was read from the request: order and spaces of its JSON do not matter
     * @param first the fields that the shape had when digests were first made, in their order: they are part of the digest even
     *     where nothing is said of them
     * @throws Problem if the key is not 1 to 255 visible ASCII characters
     */
    @Nullable
    public IdempotencyKey key(HttpServletRequest http, Object body, List<String> first) {
        String key = http.getHeader(HEADER);
        if (key == null) {
            return null;
        }
        if (!KEY.matcher(key).matches()) {
            throw new Problem(
                    Problem.Code.INVALID_IDEMPOTENCY_KEY,
                    HEADER + " must be 1 to 255 visible ASCII characters; given: " + key.length() + " characters");
        }
        String request = String.join(
                "\n",
                http.getRequestURI(),
                String.valueOf(http.getHeader(HttpHeaders.ACCEPT)),
                json.writeValueAsString(digested(body, first)));
        return new IdempotencyKey(Caller.of(http).id(), key, sha256(request));
    }

    /** Fields that came later do not change the digest of a request that does not have them: it may be sent again to a later version. */
    private JsonNode digested(Object body, List<String> first) {
        ObjectNode said = json.valueToTree(body);
        ObjectNode all = json.createObjectNode();
        first.forEach(field -> all.set(field, said.get(field)));
        said.properties().stream()
                .filter(field ->
                        !first.contains(field.getKey()) && !field.getValue().isNull())
                .forEach(field -> all.set(field.getKey(), field.getValue()));
        return all;
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
