package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.picture.Picture;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Guidance;
import dev.darkroom.request.Output;
import dev.darkroom.request.Prompt;
import dev.darkroom.request.Request;
import dev.darkroom.request.Run;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.Seeds;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.request.Size;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What the tests against recorded pictures share. */
final class Golden {
    private Golden() {}

    /** A recorded case: prompts, size, steps, guidance scale, seed and sampler, the other fields where they are not default. */
    static Request request(String model, JsonNode c) {
        JsonNode given = c.path("given"); // what the request lists; "timesteps" beside it is what a scheduler chose
        List<Integer> timesteps =
                given.path("timesteps").valueStream().map(JsonNode::intValue).toList();
        List<Double> sigmas = given.path("sigmas")
                .valueStream()
                .map(JsonNode::doubleValue)
                .filter(sigma -> sigma > 0) // diffusers' lists end with the 0 where the walk ends
                .toList();
        int listed = timesteps.size() + sigmas.size();
        return new Request(
                model,
                new Prompt(
                        c.get("prompt").stringValue(),
                        c.get("negative_prompt").stringValue(),
                        c.path("clip_skip").asInt(0)),
                new Size(c.get("width").intValue(), c.get("height").intValue()),
                new Sampling(
                        SamplerKind.of(c.get("sampler").stringValue()).orElseThrow(),
                        SigmaSpacing.of(c.path("schedule").asString("default")).orElseThrow(),
                        listed > 0 ? listed : c.get("steps").intValue(),
                        timesteps,
                        sigmas),
                new Guidance(
                        c.get("guidance_scale").doubleValue(),
                        c.path("guidance_rescale").asDouble(0)),
                new Seeds(c.get("seed").longValue(), 1),
                new Run(Determinism.EXACT, 0),
                Output.PNG);
    }

    /** Takes all steps of all pictures in one batch. */
    static void draw(DiffusionPipeline pipeline, List<Generation> generations) {
        List<Generation> undone = generations;
        while (!undone.isEmpty()) {
            pipeline.step(undone);
            undone = undone.stream().filter(generation -> !generation.done()).toList();
        }
    }

    /** 0…255, as the reference's tensors have them. */
    static float[] levels(Picture picture) {
        float[] levels = new float[picture.rgb().length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = picture.rgb()[i] & 255;
        }
        return levels;
    }

    /** NaN if any difference is. */
    static double maxDifference(float[] a, float[] b) {
        assertThat(a).hasSameSizeAs(b);
        double max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs(a[i] - b[i]));
        }
        return max;
    }
}
