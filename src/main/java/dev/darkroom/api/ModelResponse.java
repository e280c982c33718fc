package dev.darkroom.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.Arrays;
import java.util.List;

/** A model that is served. */
@Schema(name = "Model", description = "A model, its defaults and its limits")
record ModelResponse(
        @JsonProperty("id") String id,
        @JsonProperty("description") String description,

        @Schema(description = "Number of weights of all networks together") @JsonProperty("parameters")
        long parameters,

        @Schema(
                description = "What the U-Net predicts",
                allowableValues = {"epsilon", "v_prediction", "sample"})
        @JsonProperty("prediction_type")
        String predictionType,

        @JsonProperty("samplers") List<Sampler> samplers,
        @JsonProperty("defaults") Defaults defaults,
        @JsonProperty("limits") Limits limits) {

    /** A sampler and what it can be combined with. */
    @Schema(name = "Sampler")
    record Sampler(
            @JsonProperty("id") String id,
            @JsonProperty("max_steps") int maxSteps,

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
    @Schema(name = "ModelDefaults")
    record Defaults(
            @JsonProperty("width") int width,
            @JsonProperty("height") int height,
            @JsonProperty("steps") int steps,
            @JsonProperty("guidance_scale") double guidanceScale,
            @JsonProperty("sampler") String sampler,
            @JsonProperty("schedule") String schedule,
            @JsonProperty("determinism") String determinism) {}

    /** What a request may ask for. */
    @Schema(name = "ModelLimits", description = "Sizes in pixels, prompts in characters")
    record Limits(
            @JsonProperty("min_size") int minSize,
            @JsonProperty("max_size") int maxSize,
            @JsonProperty("size_multiple") int sizeMultiple,
            @JsonProperty("max_steps") int maxSteps,

            @Schema(description = "The first, noisiest training timestep") @JsonProperty("max_timestep")
            int maxTimestep,

            @JsonProperty("max_clip_skip") int maxClipSkip,
            @JsonProperty("max_guidance_scale") int maxGuidanceScale,
            @JsonProperty("max_n") int maxN,
            @JsonProperty("max_previews") int maxPreviews,
            @JsonProperty("max_prompt") int maxPrompt) {}

    /** All models. */
    @Schema(name = "ModelList")
    record Listing(
            @Schema(description = "The default model first") @JsonProperty("models")
            List<ModelResponse> models) {}

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
                        ImageSpec.MAX_STEPS,
                        info.trainTimesteps() - 1,
                        info.maxClipSkip(),
                        ImageSpec.MAX_GUIDANCE,
                        ImageSpec.MAX_N,
                        ImageSpec.MAX_PREVIEWS,
                        ImageSpec.MAX_PROMPT));
    }
}
