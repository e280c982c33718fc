package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every sampler with every prediction type, prompt to picture, against diffusers on the tiny checkpoint. Numbers: {@code
 * src/test/reference/sampler_pipelines.py}.
 */
class SamplerPipelinesTests {
    private static final Path RESOURCES = Path.of("src/test/resources");

    @TempDir
    private static Path folder;

    private static Weights reference;

    @BeforeAll
    static void open() {
        reference = Weights.open(RESOURCES.resolve("reference/samplers.safetensors"));
    }

    @AfterAll
    static void close() {
        reference.close();
    }

    static Stream<JsonNode> cases() {
        return JsonMapper.shared()
                .readTree(RESOURCES.resolve("reference/samplers.json").toFile())
                .get("cases")
                .valueStream();
    }

    @Test
    void noSamplerIsLeftOut() {
        Set<String> compared = new HashSet<>();
        cases().forEach(c -> compared.add(c.get("sampler").stringValue()));
        assertThat(compared).containsExactlyInAnyOrderElementsOf(SamplerKind.ids());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void drawsThePictureThatDiffusersDraws(JsonNode c) throws IOException {
        String name = c.get("name").stringValue();
        try (DiffusionPipeline pipeline = pipeline(name, c.get("scheduler_overrides"))) {
            Generation generation = pipeline.begin(spec(c), 0);
            while (!generation.done()) {
                pipeline.step(List.of(generation));
            }
            float[] expected = reference.tensor(name + ".latents").toFloats();
            double latents = maxDifference(pipeline.latents(generation), expected);
            double largest = maxDifference(new float[expected.length], expected);
            byte[] rgb = pipeline.finish(generation).rgb();
            float[] levels = new float[rgb.length];
            for (int i = 0; i < levels.length; i++) {
                levels[i] = rgb[i] & 255;
            }
            double picture =
                    maxDifference(levels, reference.tensor(name + ".picture").toFloats());
            System.out.printf("%s: latents %.2e of %.0f, picture %.0f levels%n", name, latents, largest, picture);
            // Random weights can drive latents to hundreds, where a float's own spacing is 3e-5.
            assertThat(latents).as("latents").isLessThan(1e-3 * Math.max(1, largest / 100));
            assertThat(picture).as("levels of 255").isLessThanOrEqualTo(1);
        }
    }

    private static DiffusionPipeline pipeline(String name, JsonNode overrides) throws IOException {
        Path copy = folder.resolve(name);
        FileSystemUtils.copyRecursively(RESOURCES.resolve("tiny-sd"), copy);
        Path config = copy.resolve("scheduler/scheduler_config.json");
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config.toFile());
        overrides.properties().forEach(p -> json.set(p.getKey(), p.getValue()));
        Files.writeString(config, json.toString());
        return new ModelFolder("tiny", copy).load();
    }

    private static ImageSpec spec(JsonNode c) {
        List<Integer> timesteps =
                c.path("timesteps").valueStream().map(JsonNode::intValue).toList();
        List<Double> sigmas = c.path("sigmas")
                .valueStream()
                .map(JsonNode::doubleValue)
                .filter(sigma -> sigma > 0) // diffusers' list ends with the 0 where the walk ends
                .toList();
        int listed = timesteps.size() + sigmas.size();
        return new ImageSpec(
                "tiny",
                c.get("prompt").stringValue(),
                c.get("negative_prompt").stringValue(),
                c.get("clip_skip").intValue(),
                c.get("size").intValue(),
                c.get("size").intValue(),
                listed > 0 ? listed : c.get("steps").intValue(),
                c.get("guidance_scale").doubleValue(),
                c.get("guidance_rescale").doubleValue(),
                c.get("seed").longValue(),
                1,
                SamplerKind.of(c.get("sampler").stringValue()).orElseThrow(),
                SigmaSpacing.DEFAULT,
                timesteps,
                sigmas);
    }

    private static double maxDifference(float[] found, float[] expected) {
        assertThat(found).hasSameSizeAs(expected);
        double max = 0;
        for (int i = 0; i < found.length; i++) {
            double difference = Math.abs(found[i] - expected[i]);
            max = difference > max || Double.isNaN(difference) ? difference : max;
        }
        return max;
    }
}
