package dev.darkroom.api.v1;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.darkroom.request.Draft;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Request;
import dev.darkroom.request.Size;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/images}. Only the prompt is needed; what is not said comes from the model. */
@Schema(description = "What to draw. Unknown fields are refused.")
public record ImageRequest(
        @JsonUnwrapped Draft draft,

        @Schema(
                description = "Share of the devices while other jobs wait as well: low 1, normal 4, high 16; default"
                        + " normal. Within one priority callers take turns",
                allowableValues = {"low", "normal", "high"})
        @JsonProperty("priority")
        @Nullable
        String priority,

        @Schema(
                description = "Seconds within which the job must have ended; otherwise it fails with code expired,"
                        + " queued or running. Default: no limit",
                minimum = "1",
                maximum = "" + JobOptions.MAX_EXPIRES_IN)
        @JsonProperty("expires_in")
        @Nullable
        Integer expiresIn) {

    /** As {@link Idempotency} wants them. */
    static final List<String> FIRST_FIELDS = List.of(
            "prompt",
            "negative_prompt",
            "model",
            "clip_skip",
            "width",
            "height",
            "steps",
            "guidance_scale",
            "guidance_rescale",
            "seed",
            "n",
            "sampler",
            "schedule",
            "timesteps",
            "sigmas",
            "output_format",
            "output_compression",
            "determinism",
            "previews",
            "priority",
            "expires_in");

    /** The size that is said, if it is not the one that is drawn. */
    Optional<Size> wantedSize(Request drawn) {
        Size wanted = new Size(
                Objects.requireNonNullElse(draft.width(), drawn.size().width()),
                Objects.requireNonNullElse(draft.height(), drawn.size().height()));
        return wanted.equals(drawn.size()) ? Optional.empty() : Optional.of(wanted);
    }

    JobOptions options() {
        return JobOptions.of(priority, expiresIn);
    }
}
