package dev.darkroom.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a client asked for, before defaults and checks: {@code null} means "not said". This is the one list of the fields of a
 * request, by the names that clients use: bodies, answers, recipes, the OpenAPI document and the options of the command line are
 * made of it. {@link Request#of} turns it into a {@link Request}.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Draft(
        @Schema(
                description =
                        "What the picture shows, of any number of tokens. (x) weighs x 1.1 times as much, [x] 1.1 times"
                                + " less, (x:1.3) 1.3 times as much; BREAK starts a new chunk; a backslash before a bracket makes it"
                                + " text",
                example = "a red apple",
                pattern = "\\S",
                minLength = 1,
                maxLength = Prompt.MAX_LENGTH,
                requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("prompt")
        @Nullable
        String prompt,

        @Schema(description = "What to steer away from; written like the prompt", maxLength = Prompt.MAX_LENGTH)
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
                maximum = "" + Prompt.MAX_CLIP_SKIP)
        @JsonProperty("clip_skip")
        @Nullable
        Integer clipSkip,

        @Schema(
                description = "Pixels; the model has the default, and narrower limits",
                minimum = "" + Size.MIN,
                maximum = "" + Size.MAX,
                multipleOf = Size.MULTIPLE)
        @JsonProperty("width")
        @Nullable
        Integer width,

        @Schema(
                description = "Pixels; the model has the default, and narrower limits",
                minimum = "" + Size.MIN,
                maximum = "" + Size.MAX,
                multipleOf = Size.MULTIPLE)
        @JsonProperty("height")
        @Nullable
        Integer height,

        @Schema(description = "Sampling steps", minimum = "1", maximum = "" + Sampling.MAX_STEPS)
        @JsonProperty("steps")
        @Nullable
        Integer steps,

        @Schema(
                description = "Classifier-free guidance scale; 1 switches it off",
                minimum = "1",
                maximum = "" + Guidance.MAX_SCALE)
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
                maximum = "" + Seeds.MAX_SEED)
        @JsonProperty("seed")
        @Nullable
        Long seed,

        @Schema(description = "Number of pictures; default 1", minimum = "1", maximum = "" + Seeds.MAX_COUNT)
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
                maxItems = Sampling.MAX_STEPS)
        @JsonProperty("timesteps")
        @Nullable
        List<Integer> timesteps,

        @ArraySchema(
                arraySchema =
                        @Schema(
                                description = "Noise levels (noise-to-signal ratios) to visit, falling, without the"
                                        + " final 0, in place of steps and schedule; an empty list is none"),
                schema = @Schema(minimum = "0.000001", maximum = "1000000"),
                maxItems = Sampling.MAX_STEPS)
        @JsonProperty("sigmas")
        @Nullable
        List<Double> sigmas,

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
                maximum = "" + Run.MAX_PREVIEWS)
        @JsonProperty("previews")
        @Nullable
        Integer previews,

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
        Integer outputCompression) {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<LinkedHashMap<String, Object>> FIELDS = new TypeReference<>() {};

    /** All that is drawn is said. */
    public static Draft of(Request request) {
        Prompt prompt = request.prompt();
        Sampling sampling = request.sampling();
        return new Draft(
                prompt.text(),
                prompt.negative(),
                request.model(),
                prompt.clipSkip(),
                request.size().width(),
                request.size().height(),
                sampling.steps(),
                request.guidance().scale(),
                request.guidance().rescale(),
                request.seeds().first(),
                request.seeds().count(),
                sampling.sampler().id(),
                sampling.schedule().id(),
                sampling.timesteps().isEmpty() ? null : sampling.timesteps(),
                sampling.sigmas().isEmpty() ? null : sampling.sigmas(),
                request.run().determinism().id(),
                request.run().previews(),
                request.output().format().id(),
                request.output().compression());
    }

    /**
     * By the names that clients use.
     *
     * @throws IllegalArgumentException if a value is of the wrong type, or there is no such field
     */
    public static Draft of(Map<String, ? extends @Nullable Object> fields) {
        return JSON.convertValue(fields, Draft.class);
    }

    /** The fields that are said, in their order, by the names that clients use. */
    public Map<String, Object> fields() {
        return JSON.convertValue(this, FIELDS);
    }

    /** This with one field that is said otherwise. */
    public Draft with(String field, Object value) {
        Map<String, Object> fields = fields();
        fields.put(field, value);
        return of(fields);
    }

    /** In place of a size that was said, the nearest one that the model draws. */
    public Draft fitted(ModelInfo model) {
        if (width == null && height == null) {
            return this;
        }
        Size size = new Size(Checks.or(width, model.width()), Checks.or(height, model.height())).fitted(model);
        return with("width", size.width()).with("height", size.height());
    }
}
