package dev.darkroom.api.v1;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Guidance;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Prompt;
import dev.darkroom.request.Run;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.Seeds;
import dev.darkroom.request.SigmaSpacing;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.Arrays;
import java.util.List;

/** A model that is served. */
@Schema(name = "Model", description = "A model, its defaults and its limits")
public record ModelResponse(
        @Schema(description = "The name that requests use") @JsonProperty("id")
        String id,

        @Schema(description = "For people") @JsonProperty("description")
        String description,

        @Schema(description = "Number of weights of all networks together") @JsonProperty("parameters")
        long parameters,

        @Schema(
                description = "What the U-Net predicts",
                allowableValues = {"epsilon", "v_prediction", "sample"})
        @JsonProperty("prediction_type")
        String predictionType,

        @Schema(description = "All samplers, and what this model can do with them") @JsonProperty("samplers")
        List<Sampler> samplers,

        @Schema(description = "What a request gets that does not say") @JsonProperty("defaults")
        Defaults defaults,

        @Schema(description = "What a request may ask for") @JsonProperty("limits")
        Limits limits,

        @Schema(description = "As OpenAI's clients expect", allowableValues = OpenAi.OBJECT) @JsonProperty("object")
        String object,

        @Schema(description = "As OpenAI's clients expect: 0, it is not known") @JsonProperty("created")
        long created,

        @Schema(description = "As OpenAI's clients expect", example = OpenAi.OWNER) @JsonProperty("owned_by")
        String ownedBy) {

    /** A model as OpenAI's clients list it: openai-python 3.57.0, {@code types/model.py}. */
    @Schema(name = "OpenAiModel", description = "A model in OpenAI's shape")
    record OpenAi(
            @Schema(description = "The name that requests use") @JsonProperty("id")
            String id,

            @Schema(description = "The kind of object", allowableValues = OBJECT) @JsonProperty("object")
            String object,

            @Schema(description = "Seconds since 1970: 0, it is not known") @JsonProperty("created")
            long created,

            @Schema(description = "Who serves it", example = OWNER) @JsonProperty("owned_by")
            String ownedBy) {

        static final String OBJECT = "model";
        static final String OWNER = "darkroom";
    }

    /** A sampler and what it can be combined with. */
    @Schema(name = "Sampler", description = "A sampler and what it can be combined with")
    record Sampler(
            @Schema(description = "The name that requests use") @JsonProperty("id")
            String id,

            @Schema(description = "The most steps that a request may ask for") @JsonProperty("max_steps")
            int maxSteps,

            @Schema(description = "The schedules it allows") @JsonProperty("schedules")
            List<String> schedules,

            @Schema(description = "Whether a request may list timesteps") @JsonProperty("timesteps")
            boolean timesteps,

            @Schema(description = "Whether a request may list sigmas") @JsonProperty("sigmas")
            boolean sigmas) {

        static Sampler of(SamplerKind kind, ModelInfo info) {
            return new Sampler(
                    kind.id(),
                    info.maxSteps(kind),
                    kind.schedules().stream().map(SigmaSpacing::id).toList(),
                    kind.takesTimesteps(),
                    kind.takesSigmas());
        }
    }

    /** What a request gets that does not say. */
    @Schema(name = "ModelDefaults", description = "What a request gets that does not say")
    record Defaults(
            @Schema(description = "Pixels") @JsonProperty("width")
            int width,

            @Schema(description = "Pixels") @JsonProperty("height")
            int height,

            @Schema(description = "Sampling steps") @JsonProperty("steps")
            int steps,

            @Schema(description = "Classifier-free guidance scale") @JsonProperty("guidance_scale")
            double guidanceScale,

            @Schema(description = "Id of a sampler") @JsonProperty("sampler")
            String sampler,

            @Schema(description = "Spacing of the noise levels") @JsonProperty("schedule")
            String schedule,

            @Schema(description = "exact or fast") @JsonProperty("determinism")
            String determinism) {}

    /** What a request may ask for. */
    @Schema(name = "ModelLimits", description = "Sizes in pixels, prompts in characters")
    record Limits(
            @Schema(description = "Smallest width and height, pixels") @JsonProperty("min_size")
            int minSize,

            @Schema(description = "Greatest width and height, pixels") @JsonProperty("max_size")
            int maxSize,

            @Schema(description = "Width and height are multiples of this, pixels") @JsonProperty("size_multiple")
            int sizeMultiple,

            @Schema(description = "The most steps that a request may ask for") @JsonProperty("max_steps")
            int maxSteps,

            @Schema(description = "The first, noisiest training timestep") @JsonProperty("max_timestep")
            int maxTimestep,

            @Schema(description = "Greatest clip_skip") @JsonProperty("max_clip_skip")
            int maxClipSkip,

            @Schema(description = "Greatest guidance_scale; the least is 1") @JsonProperty("max_guidance_scale")
            int maxGuidanceScale,

            @Schema(description = "Most pictures of one request") @JsonProperty("max_n")
            int maxN,

            @Schema(description = "Most previews of one picture") @JsonProperty("max_previews")
            int maxPreviews,

            @Schema(description = "Longest prompt and negative_prompt, characters") @JsonProperty("max_prompt")
            int maxPrompt,

            @Schema(description = "Most chunks of 75 tokens of prompt and negative_prompt; BREAK begins one")
            @JsonProperty("max_prompt_chunks")
            int maxPromptChunks,

            @Schema(description = "Greatest seed; that of the last picture counts, seed + n − 1")
            @JsonProperty("max_seed")
            long maxSeed,

            @Schema(description = "Greatest expires_in, seconds") @JsonProperty("max_expires_in")
            int maxExpiresIn) {}

    /** All models. */
    @Schema(name = "ModelList", description = "The models that are served")
    record Listing(
            @Schema(description = "The default model first") @JsonProperty("models")
            List<ModelResponse> models,

            @Schema(description = "As OpenAI's clients expect", allowableValues = "list") @JsonProperty("object")
            String object,

            @Schema(description = "The same models as OpenAI's clients read them") @JsonProperty("data")
            List<OpenAi> data) {

        static Listing of(List<ModelInfo> served) {
            return new Listing(
                    served.stream().map(ModelResponse::of).toList(),
                    "list",
                    served.stream()
                            .map(model -> new OpenAi(model.id(), OpenAi.OBJECT, 0, OpenAi.OWNER))
                            .toList());
        }
    }

    static ModelResponse of(ModelInfo info) {
        return new ModelResponse(
                info.id(),
                info.description(),
                info.parameters(),
                info.predictionType(),
                Arrays.stream(SamplerKind.values())
                        .map(kind -> Sampler.of(kind, info))
                        .toList(),
                new Defaults(
                        info.width(),
                        info.height(),
                        info.steps(),
                        info.guidanceScale(),
                        info.sampler().id(),
                        info.schedule().id(),
                        info.determinism().id()),
                new Limits(
                        info.minSize(),
                        info.maxSize(),
                        info.sizeMultiple(),
                        Sampling.MAX_STEPS,
                        info.trainTimesteps() - 1,
                        info.maxClipSkip(),
                        Guidance.MAX_SCALE,
                        Seeds.MAX_COUNT,
                        Run.MAX_PREVIEWS,
                        Prompt.MAX_LENGTH,
                        Cost.MAX_CHUNKS,
                        Seeds.MAX_SEED,
                        JobOptions.MAX_EXPIRES_IN),
                OpenAi.OBJECT,
                0,
                OpenAi.OWNER);
    }
}
