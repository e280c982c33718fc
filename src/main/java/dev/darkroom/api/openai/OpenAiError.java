package dev.darkroom.api.openai;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.http.Problems;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/** A problem as OpenAI words it. */
@Schema(name = "OpenAiError", description = "An error in OpenAI's shape")
public record OpenAiError(
        @Schema(description = "What went wrong") @JsonProperty("error")
        Content error) {

    /** What went wrong. */
    @Schema(name = "OpenAiErrorContent", description = "What went wrong")
    record Content(
            @Schema(description = "For people") @JsonProperty("message")
            String message,

            @Schema(
                    description = "The kind of error",
                    allowableValues = {"invalid_request_error", "rate_limit_error", "server_error"})
            @JsonProperty("type")
            String type,

            @Schema(description = "The first wrong field, if it is a field", nullable = true)
            @JsonProperty("param")
            @Nullable
            String param,

            @Schema(
                    description = "Stable word: of the first wrong field's rule, or of the problem. Three are OpenAI's"
                            + " own: model_not_found, invalid_api_key, rate_limit_exceeded; the others are Darkroom's",
                    example = "out_of_range")
            @JsonProperty("code")
            String code) {}

    public static OpenAiError of(ProblemDetail problem) {
        String code = String.valueOf(property(problem, "code"));
        String param = code.equals(Problem.Code.MODEL_NOT_FOUND.id()) ? "model" : null;
        if (property(problem, "errors") instanceof List<?> errors
                && !errors.isEmpty()
                && errors.get(0) instanceof Problems.FieldError first) {
            code = first.code();
            param = first.field();
        }
        int status = problem.getStatus();
        return new OpenAiError(
                new Content(String.valueOf(problem.getDetail()), type(status), param, code(status, code)));
    }

    public static OpenAiError of(Problem.Code code, String message) {
        return new OpenAiError(new Content(message, type(code.status.value()), null, code.id()));
    }

    private static String type(int status) {
        return status == 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
    }

    private static String code(int status, String ours) {
        return switch (status) {
            case 401 -> "invalid_api_key";
            case 429 -> "rate_limit_exceeded";
            default -> ours;
        };
    }

    private static @Nullable Object property(ProblemDetail problem, String name) {
        return Objects.requireNonNullElse(problem.getProperties(), Map.<String, Object>of())
                .get(name);
    }
}
