package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.library.ModelFolder;
import dev.darkroom.nets.Denoiser;
import dev.darkroom.request.Draft;
import dev.darkroom.request.InvalidRequest;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Long and weighted prompts, and clip_skip, against diffusers on the tiny checkpoint, from the hidden states to the picture. Numbers:
 * {@code src/test/reference/prompts_reference.py}.
 */
class PromptEncoderTests {
    private static final Path RESOURCES = Path.of("src/test/resources");
    private static Weights reference;
    private static final Map<String, DiffusionPipeline> pipelines = new HashMap<>();
    private static DiffusionPipeline pipeline;

    @BeforeAll
    static void open() {
        reference = Weights.open(RESOURCES.resolve("reference/prompts.safetensors"));
        pipeline = pipeline("tiny-sd");
    }

    private static DiffusionPipeline pipeline(String folder) {
        return pipelines.computeIfAbsent(folder, name -> new ModelFolder(name, RESOURCES.resolve(name)).load());
    }

    @AfterAll
    static void close() {
        pipelines.values().forEach(DiffusionPipeline::close);
        pipelines.clear();
        reference.close();
    }

    static Stream<JsonNode> cases() {
        return JsonMapper.shared()
                .readTree(RESOURCES.resolve("reference/prompts.json").toFile())
                .get("pipeline")
                .valueStream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void drawsThePictureThatDiffusersDraws(JsonNode c) {
        String name = "prompts." + c.get("name").stringValue();
        DiffusionPipeline pipeline = pipeline(c.get("folder").stringValue());
        Request request = Golden.request("tiny", c);
        if (c.path("name").stringValue().equals("TOO_LONG")) {
            assertThatThrownBy(() -> pipeline.begin(request, 0)).isInstanceOf(PromptTooLong.class);
            return;
        }
        Generation generation = pipeline.begin(request, 0);
        double hidden = 0;
        for (String part : List.of("prompt", "negative")) {
            if (reference.has(name + "." + part)) {
                float[] states = reference.tensor(name + "." + part).toFloats();
                int row = part.equals("prompt") ? generation.rows() - 1 : 0;
                hidden = Math.max(hidden, Golden.maxDifference(hidden(generation, row), states));
            }
        }
        Golden.draw(pipeline, List.of(generation));
        double latents = Golden.maxDifference(
                pipeline.latents(generation),
                reference.tensor(name + ".latents").toFloats());
        double levels = Golden.maxDifference(
                Golden.levels(pipeline.finish(generation)),
                reference.tensor(name + ".picture").toFloats());
        System.out.printf("%s: hidden %.2e, latents %.2e, picture %.0f levels%n", name, hidden, latents, levels);
        assertThat(hidden).as("hidden states").isLessThan(1e-4);
        assertThat(latents).as("latents").isLessThan(1e-3);
        assertThat(levels).as("levels of 255").isLessThanOrEqualTo(1);
    }

    @Test
    void picturesOfPromptsOfDifferentLengthsInOneBatchEqualThemselvesAlone() {
        List<Request> specs =
                cases().limit(6).map(c -> Golden.request("tiny", c)).toList();
        List<Request> square =
                specs.stream().filter(s -> s.size().height() == 32).toList();
        List<Generation> together =
                square.stream().map(s -> pipeline.begin(s, 0)).toList();
        assertThat(together.stream().map(g -> g.context().tokens()))
                .hasSizeGreaterThan(3)
                .contains(77, 2 * 77);
        Golden.draw(pipeline, together);
        for (int i = 0; i < square.size(); i++) {
            Generation alone = pipeline.begin(square.get(i), 0);
            Golden.draw(pipeline, List.of(alone));
            double latents = Golden.maxDifference(pipeline.latents(together.get(i)), pipeline.latents(alone));
            double levels = Golden.maxDifference(
                    Golden.levels(pipeline.finish(together.get(i))), Golden.levels(pipeline.finish(alone)));
            System.out.printf("in company: latents %.2e, picture %.0f levels%n", latents, levels);
            assertThat(latents).as("latents %d", i).isLessThan(1e-3);
            assertThat(levels).as("levels of 255 %d", i).isLessThanOrEqualTo(1);
        }
    }

    /** What the U-Net is told in one row. */
    private static float[] hidden(Generation generation, int row) {
        Denoiser.Context context = ((NetworkBackend.Told) generation.context()).there();
        float[] all = context.hidden();
        int each = all.length / context.rows();
        return Arrays.copyOfRange(all, row * each, (row + 1) * each);
    }

    @Test
    void remembersAPromptForAsManyChunksAsItsCompanionHas() {
        List<Integer> lengths = new ArrayList<>();
        for (String negative : List.of("", "low ".repeat(80), "")) {
            lengths.add(pipeline.begin(request("a (cat:1.5)", negative), 0)
                            .context()
                            .tokens()
                    / 77);
        }
        assertThat(lengths).containsExactly(1, 2, 1);
    }

    @Test
    void leavesOutAtMostAsManyLayersAsTheModelHas() {
        assertThat(Request.of(Draft.of(Map.of("prompt", "a cat", "clip_skip", 2)), pipeline.info())
                        .prompt()
                        .clipSkip())
                .isEqualTo(2);
        assertThatThrownBy(() -> Request.of(Draft.of(Map.of("prompt", "a cat", "clip_skip", 3)), pipeline.info()))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("clip_skip must be between 0 and 2; given: 3");
        assertThat(pipeline("families/sdxl").info().maxClipSkip()).isEqualTo(1);
    }

    @Test
    void drawsWhateverTheBracketsAre() {
        for (String prompt :
                List.of(":-)", "(((", "]])(:", "(a:0)", "(a:-99999999999)", "BREAK", "\\", "()", "(:1.2)")) {
            Generation generation = pipeline.begin(request(prompt, "(x:0) [y"), 0);
            Golden.draw(pipeline, List.of(generation));
            assertThat(pipeline.finish(generation).rgb()).as(prompt).hasSize(32 * 32 * 3);
        }
    }

    private static Request request(String prompt, String negative) {
        return Requests.of(
                "tiny",
                Map.of(
                        "prompt",
                        prompt,
                        "negative_prompt",
                        negative,
                        "width",
                        32,
                        "height",
                        32,
                        "steps",
                        1,
                        "guidance_scale",
                        5,
                        "seed",
                        1));
    }
}
