package dev.darkroom.api.v1;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.ImageDraft;
import dev.darkroom.request.ImageSpec;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Output;
import dev.darkroom.request.Size;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/images}. Only the prompt is needed; what is not said comes from the model. */
@Schema(description = "What to draw. Unknown fields are refused.")
public record ImageRequest(
        @Schema(
                description =
                        "What the picture shows, of any number of tokens. (x) weighs x 1.1 times as much, [x] 1.1 times"
                                + " less, (x:1.3) 1.3 times as much; BREAK starts a new chunk; a backslash before a bracket makes it"
                                + " text",
                example = "a red apple",
                pattern = "\\S",
                minLength = 1,
                maxLength = ImageSpec.MAX_PROMPT,
                requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("prompt")
        @Nullable
        String prompt,

        @Schema(description = "What to steer away from; written like the prompt", maxLength = ImageSpec.MAX_PROMPT)
        @JsonProperty("negative_prompt")
        @Nullable
        String negativePrompt,

        @Schema(description = "A model's id from /v1/models; default: the first one there")
        @JsonProperty("model")
        @Nullable
        String model,

        @Schema(
                description = "How many of the text encoder's last layers the prompt leaves out; default 0. 1 takes"
                        + " the penultimate layer",
                minimum = "0",
                maximum = "" + ImageSpec.MAX_CLIP_SKIP)
        @JsonProperty("clip_skip")
        @Nullable
        Integer clipSkip,

        @Schema(
                description = "Pixels; the model has the default, and narrower limits",
                minimum = "" + ImageSpec.MIN_SIZE,
                maximum = "" + ImageSpec.MAX_SIZE,
                multipleOf = ImageSpec.SIZE_MULTIPLE)
        @JsonProperty("width")
        @Nullable
        Integer width,

        @Schema(
                description = "Pixels; the model has the default, and narrower limits",
                minimum = "" + ImageSpec.MIN_SIZE,
                maximum = "" + ImageSpec.MAX_SIZE,
                multipleOf = ImageSpec.SIZE_MULTIPLE)
        @JsonProperty("height")
        @Nullable
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
                description = "How far the guided prediction is drawn back to the unguided one's standard deviation"
                        + " (Lin et al. 2024, section 3.4); default 0. Needs guidance",
                minimum = "0",
                maximum = "1")
        @JsonProperty("guidance_rescale")
        @Nullable
        Double guidanceRescale,

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
                allowableValues = {
                    "ddpm",
                    "ddim",
                    "pndm",
                    "lms",
                    "euler",
                    "euler_ancestral",
                    "heun",
                    "dpm2",
                    "dpm2_ancestral",
                    "dpmpp_2s",
                    "dpmpp_2m",
                    "dpmpp_2m_sde",
                    "dpmpp_sde",
                    "deis",
                    "unipc",
                    "lcm"
                })
        @JsonProperty("sampler")
        @Nullable
        String sampler,

        @Schema(
                description = "Spacing of the noise levels; the model has the default, and says which sampler allows"
                        + " which",
                allowableValues = {"default", "karras", "exponential", "beta"})
        @JsonProperty("schedule")
        @Nullable
        String schedule,

        @ArraySchema(
                arraySchema =
                        @Schema(
                                description =
                                        "Training timesteps to visit, falling, in place of steps and schedule; an empty list is none"),
                schema = @Schema(minimum = "0", maximum = "2147483647"),
                maxItems = ImageSpec.MAX_STEPS)
        @JsonProperty("timesteps")
        @Nullable
        List<Integer> timesteps,

        @ArraySchema(
                arraySchema =
                        @Schema(
                                description = "Noise levels (noise-to-signal ratios) to visit, falling, without the"
                                        + " final 0, in place of steps and schedule; an empty list is none"),
                schema = @Schema(minimum = "0.000001", maximum = "1000000"),
                maxItems = ImageSpec.MAX_STEPS)
        @JsonProperty("sigmas")
        @Nullable
        List<Double> sigmas,

        @Schema(
                description = "The kind of file a download gives that does not ask for another by Accept; default png",
                allowableValues = {"png", "jpeg", "webp"})
        @JsonProperty("output_format")
        @Nullable
        String outputFormat,

        @Schema(
                description = "Quality of output_format: of jpeg and webp, default " + Output.USUAL
                        + "; 100 is lossless with webp. With png, which loses nothing, only 100",
                example = "80",
                minimum = "0",
                maximum = "" + Output.LOSSLESS)
        @JsonProperty("output_compression")
        @Nullable
        Integer outputCompression,

        @Schema(
                description =
                        "exact: the same bytes whoever is drawn at the same time, on the same kind of device; fast:"
                                + " evaluations share calls, which may change the last bits; the model has the default",
                allowableValues = {"exact", "fast"})
        @JsonProperty("determinism")
        @Nullable
        String determinism,

        @Schema(
                description = "How many step events of each picture carry a preview, evenly spread; default 0",
                minimum = "0",
                maximum = "" + ImageSpec.MAX_PREVIEWS)
        @JsonProperty("previews")
        @Nullable
        Integer previews,

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

    ImageDraft draft() {
        return new ImageDraft()
                .prompt(prompt)
                .negativePrompt(negativePrompt)
                .clipSkip(clipSkip)
                .width(width)
                .height(height)
                .steps(steps)
                .guidanceScale(guidanceScale)
                .guidanceRescale(guidanceRescale)
                .seed(seed)
                .n(n)
                .sampler(sampler)
                .schedule(schedule)
                .timesteps(timesteps)
                .sigmas(sigmas)
                .determinism(determinism)
                .previews(previews)
                .outputFormat(outputFormat)
                .outputCompression(outputCompression);
    }

    /** The size that is said, if it is not the one that is drawn. */
    Optional<Size> wantedSize(ImageSpec drawn) {
        Size wanted = new Size(
                Objects.requireNonNullElse(width, drawn.width()), Objects.requireNonNullElse(height, drawn.height()));
        return wanted.equals(drawn.size()) ? Optional.empty() : Optional.of(wanted);
    }

    JobOptions options() {
        return JobOptions.of(priority, expiresIn);
    }
}
