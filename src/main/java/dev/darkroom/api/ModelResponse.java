package dev.darkroom.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import io.swagger.v3.oas.annotations.media.Schema;
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
                allowableValues = {"epsilon", "v_prediction"})
        @JsonProperty("prediction_type")
        String predictionType,

        @JsonProperty("samplers") List<String> samplers,
        @JsonProperty("schedules") List<String> schedules,
        @JsonProperty("defaults") Defaults defaults,
        @JsonProperty("limits") Limits limits) {

    /** What a request gets that does not say. */
    @Schema(name = "ModelDefaults")
    record Defaults(
            @JsonProperty("width") int width,
            @JsonProperty("height") int height,
            @JsonProperty("steps") int steps,
            @JsonProperty("guidance_scale") double guidanceScale,
            @JsonProperty("sampler") String sampler,
            @JsonProperty("schedule") String schedule) {}

    /** What a request may ask for. */
    @Schema(name = "ModelLimits", description = "Sizes in pixels, prompts in characters")
    record Limits(
            @JsonProperty("min_size") int minSize,
            @JsonProperty("max_size") int maxSize,
            @JsonProperty("size_multiple") int sizeMultiple,
            @JsonProperty("max_steps") int maxSteps,
            @JsonProperty("max_guidance_scale") int maxGuidanceScale,
            @JsonProperty("max_n") int maxN,
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
                SamplerKind.ids(),
                SigmaSpacing.ids(),
                new Defaults(
                        info.width(),
                        info.height(),
                        info.steps(),
                        info.guidanceScale(),
                        info.sampler().id(),
                        info.schedule().id()),
                new Limits(
                        info.minSize(),
                        info.maxSize(),
                        info.sizeMultiple(),
                        ImageSpec.MAX_STEPS,
                        ImageSpec.MAX_GUIDANCE,
                        ImageSpec.MAX_N,
                        ImageSpec.MAX_PROMPT));
    }
}
