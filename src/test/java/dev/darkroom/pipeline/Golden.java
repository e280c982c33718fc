package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.picture.Picture;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import java.util.List;
import java.util.Map;
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
        return Requests.of(
                model,
                Map.ofEntries(
                        Map.entry("prompt", c.get("prompt").stringValue()),
                        Map.entry("negative_prompt", c.get("negative_prompt").stringValue()),
                        Map.entry("clip_skip", c.path("clip_skip").asInt(0)),
                        Map.entry("width", c.get("width").intValue()),
                        Map.entry("height", c.get("height").intValue()),
                        Map.entry("steps", listed > 0 ? listed : c.get("steps").intValue()),
                        Map.entry("guidance_scale", c.get("guidance_scale").doubleValue()),
                        Map.entry("guidance_rescale", c.path("guidance_rescale").asDouble(0)),
                        Map.entry("seed", c.get("seed").longValue()),
                        Map.entry(
                                "sampler",
                                SamplerKind.of(c.get("sampler").stringValue())
                                        .orElseThrow()
                                        .id()),
                        Map.entry(
                                "schedule",
                                SigmaSpacing.of(c.path("schedule").asString("default"))
                                        .orElseThrow()
                                        .id()),
                        Map.entry("timesteps", timesteps),
                        Map.entry("sigmas", sigmas)));
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
