package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.library.ModelFolder;
import dev.darkroom.picture.Picture;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 * The whole pipeline against diffusers on the tiny checkpoint, and pictures alone against pictures in company. Numbers:
 * {@code src/test/reference/make_reference.py}.
 */
class DiffusionPipelineTests {
    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final Map<JsonNode, DiffusionPipeline> pipelines = new HashMap<>();
    private static Path folder;
    private static Weights reference;

    @BeforeAll
    static void open(@TempDir Path temporary) {
        folder = temporary;
        reference = Weights.open(RESOURCES.resolve("reference/reference.safetensors"));
    }

    @AfterAll
    static void close() {
        pipelines.values().forEach(DiffusionPipeline::close);
        pipelines.clear();
        reference.close();
    }

    /** The tiny checkpoint, its scheduler_config.json changed by {@code overrides}. */
    private static DiffusionPipeline pipeline(JsonNode overrides) {
        return pipelines.computeIfAbsent(overrides, key -> {
            try {
                Path copy = folder.resolve("model" + pipelines.size());
                FileSystemUtils.copyRecursively(RESOURCES.resolve("tiny-sd"), copy);
                Path config = copy.resolve("scheduler/scheduler_config.json");
                ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config.toFile());
                overrides.properties().forEach(p -> json.set(p.getKey(), p.getValue()));
                Files.writeString(config, json.toString());
                return new ModelFolder("tiny", copy).load();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }

    static Stream<JsonNode> cases() {
        return JsonMapper.shared()
                .readTree(RESOURCES.resolve("reference/reference.json").toFile())
                .get("pipeline")
                .valueStream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void drawsThePictureThatDiffusersDraws(JsonNode c) {
        String name = "pipeline." + c.get("name").stringValue();
        DiffusionPipeline pipeline = pipeline(c.get("scheduler_overrides"));
        Generation generation = pipeline.begin(Golden.request("tiny", c), 0);
        Golden.draw(pipeline, List.of(generation));
        float[] latents = reference.tensor(name + ".latents").toFloats();
        double latentDifference = Golden.maxDifference(pipeline.latents(generation), latents);
        Picture picture = pipeline.finish(generation);
        double levels = Golden.maxDifference(
                Golden.levels(picture), reference.tensor(name + ".picture").toFloats());
        System.out.printf("%s: latents %.2e, picture %.0f levels%n", name, latentDifference, levels);
        assertThat(latentDifference).as("latents").isLessThan(1e-3);
        assertThat(levels).as("levels of 255").isLessThanOrEqualTo(1);
        assertThat(picture.width()).isEqualTo(c.get("width").intValue());
    }

    @Test
    void picturesAtDifferentTimestepsInOneCallEqualThemselvesAlone() {
        DiffusionPipeline pipeline = pipeline(JsonMapper.shared().createObjectNode());
        List<Request> specs = List.of(
                request("a red apple", 9, 7.5, 5, SamplerKind.EULER_ANCESTRAL),
                request("a blue car", 14, 1, 6, SamplerKind.DPMPP_2M),
                request("a cat", 6, 3, 7, SamplerKind.DDIM));
        List<Picture> alone = new ArrayList<>();
        for (Request request : specs) {
            Generation generation = pipeline.begin(request, 0);
            Golden.draw(pipeline, List.of(generation));
            alone.add(pipeline.finish(generation));
        }
        // Each joins two steps after the one before, so every call sees different timesteps.
        List<Generation> inFlight = new ArrayList<>();
        Map<Integer, Picture> together = new HashMap<>();
        for (int step = 0; together.size() < specs.size(); step++) {
            if (step % 2 == 0 && step / 2 < specs.size()) {
                inFlight.add(pipeline.begin(specs.get(step / 2), 0));
            }
            pipeline.step(inFlight);
            for (Generation done : inFlight.stream().filter(Generation::done).toList()) {
                together.put(specs.indexOf(done.request()), pipeline.finish(done));
                inFlight.remove(done);
            }
        }
        for (int i = 0; i < specs.size(); i++) {
            double levels = Golden.maxDifference(Golden.levels(alone.get(i)), Golden.levels(together.get(i)));
            System.out.printf("in company: %.0f levels%n", levels);
            assertThat(levels).as("picture %d", i).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void theSecondPictureOfARequestIsTheFirstOfTheNextSeed() {
        DiffusionPipeline pipeline = pipeline(JsonMapper.shared().createObjectNode());
        assertThat(draw(pipeline, request("a cat", 3, 3, 11, SamplerKind.EULER), 1))
                .isEqualTo(draw(pipeline, request("a cat", 3, 3, 12, SamplerKind.EULER), 0));
    }

    private static byte[] draw(DiffusionPipeline pipeline, Request request, int index) {
        Generation generation = pipeline.begin(request, index);
        Golden.draw(pipeline, List.of(generation));
        return pipeline.finish(generation).rgb();
    }

    private static Request request(String prompt, int steps, double guidance, long seed, SamplerKind sampler) {
        return Requests.of(
                "tiny",
                Map.of(
                        "prompt",
                        prompt,
                        "width",
                        32,
                        "height",
                        32,
                        "steps",
                        steps,
                        "guidance_scale",
                        guidance,
                        "seed",
                        seed,
                        "n",
                        2,
                        "sampler",
                        sampler.id(),
                        "determinism",
                        "fast"));
    }
}
