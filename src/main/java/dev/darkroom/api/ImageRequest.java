package dev.darkroom.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/images}. Only the prompt is needed; what is not said comes from the model. */
@Schema(description = "What to draw. Unknown fields are refused.")
record ImageRequest(
        @Schema(
                description = "What the picture shows",
                example = "a red apple",
                maxLength = ImageSpec.MAX_PROMPT,
                requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("prompt")
        @Nullable
        String prompt,

        @Schema(description = "What to steer away from", maxLength = ImageSpec.MAX_PROMPT)
        @JsonProperty("negative_prompt")
        @Nullable
        String negativePrompt,

        @Schema(description = "A model's id from /v1/models; default: the first one there")
        @JsonProperty("model")
        @Nullable
        String model,

        @Schema(description = "Pixels; the model has the limits and the default") @JsonProperty("width") @Nullable
        Integer width,

        @Schema(description = "Pixels; the model has the limits and the default") @JsonProperty("height") @Nullable
        Integer height,

        @Schema(description = "Sampling steps", minimum = "1", maximum = "" + ImageSpec.MAX_STEPS)
        @JsonProperty("steps")
        @Nullable
        Integer steps,

        @Schema(
                description = "Classifier-free guidance scale; 1 switches it off",
                minimum = "1",
                maximum = "" + ImageSpec.MAX_GUIDANCE)
        @JsonProperty("guidance_scale")
        @Nullable
        Double guidanceScale,

        @Schema(
                description = "Seed of the first picture, the next one has seed + 1, …; default: random",
                minimum = "0",
                maximum = "" + ImageSpec.MAX_SEED)
        @JsonProperty("seed")
        @Nullable
        Long seed,

        @Schema(description = "Number of pictures; default 1", minimum = "1", maximum = "" + ImageSpec.MAX_N)
        @JsonProperty("n")
        @Nullable
        Integer n,

        @Schema(
                description = "Sampler; the model has the default",
                allowableValues = {"ddim", "euler", "euler_ancestral", "dpmpp_2m"})
        @JsonProperty("sampler")
        @Nullable
        String sampler,

        @Schema(
                description = "Spacing of the noise levels; the model has the default",
                allowableValues = {"default", "karras"})
        @JsonProperty("schedule")
        @Nullable
        String schedule) {

    ImageDraft draft() {
        return new ImageDraft(
                prompt, negativePrompt, model, width, height, steps, guidanceScale, seed, n, sampler, schedule);
    }
}
