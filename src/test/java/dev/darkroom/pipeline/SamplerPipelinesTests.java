package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.library.ModelFolder;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

    /** By what their schedulers' files say; a sampler is the request's. */
    private static final Map<JsonNode, DiffusionPipeline> PIPELINES = new HashMap<>();

    private static Weights reference;

    @BeforeAll
    static void open() {
        reference = Weights.open(RESOURCES.resolve("reference/samplers.safetensors"));
    }

    @AfterAll
    static void close() {
        PIPELINES.values().forEach(DiffusionPipeline::close);
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
        DiffusionPipeline pipeline = pipeline(c.get("scheduler_overrides"));
        Generation generation = pipeline.begin(Golden.request("tiny", c), 0);
        Golden.draw(pipeline, List.of(generation));
        float[] expected = reference.tensor(name + ".latents").toFloats();
        double latents = Golden.maxDifference(pipeline.latents(generation), expected);
        double largest = Golden.maxDifference(new float[expected.length], expected);
        double picture = Golden.maxDifference(
                Golden.levels(pipeline.finish(generation)),
                reference.tensor(name + ".picture").toFloats());
        System.out.printf("%s: latents %.2e of %.0f, picture %.0f levels%n", name, latents, largest, picture);
        // Random weights drive LCM's latents to 243, and there diffusers itself moves by 1.7e-3 for one ulp of the
        // noise, and as much between instruction sets.
        assertThat(latents).as("latents").isLessThan(1e-3 * Math.max(1, largest / 100));
        assertThat(picture).as("levels of 255").isLessThanOrEqualTo(1);
    }

    private static DiffusionPipeline pipeline(JsonNode overrides) throws IOException {
        DiffusionPipeline known = PIPELINES.get(overrides);
        if (known != null) {
            return known;
        }
        Path copy = folder.resolve("tiny" + PIPELINES.size());
        FileSystemUtils.copyRecursively(RESOURCES.resolve("tiny-sd"), copy);
        Path config = copy.resolve("scheduler/scheduler_config.json");
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config.toFile());
        overrides.properties().forEach(p -> json.set(p.getKey(), p.getValue()));
        Files.writeString(config, json.toString());
        DiffusionPipeline loaded = new ModelFolder("tiny", copy).load();
        PIPELINES.put(overrides, loaded);
        return loaded;
    }
}
