package dev.darkroom.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.picture.a1111.Parameters;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Draft;
import dev.darkroom.request.Guidance;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Output;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Prompt;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.Run;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.Seeds;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.request.Size;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTests {

    private static final ModelInfo MODEL = new ModelInfo(
            "org--my model, v1.5: \"the\" one",
            "a model",
            512,
            512,
            64,
            2048,
            8,
            20,
            7.5,
            SamplerKind.DPMPP_2M,
            SigmaSpacing.KARRAS,
            Determinism.EXACT,
            "epsilon",
            1000,
            50,
            11,
            false,
            1,
            Set.of());

    private static final List<String> PROMPTS = List.of(
            "a red apple",
            "a (red:1.3) apple, [worn], \\(still life\\)\nSteps: none, BREAK",
            "\"quoted\", colons: and, commas",
            "Äpfel, りんご, 🍎\nSecond line",
            "Sampler: Euler, Seed: 1, Steps: 3, Size: 8x8",
            "back\\slash and \\\"both\\\"");

    /** Fifty requests: every sampler at least four times, each with what it allows. */
    static Stream<Request> fifty() {
        Random random = new Random(20);
        return IntStream.range(0, 50)
                .mapToObj(i -> request(SamplerKind.values()[i % SamplerKind.values().length], random));
    }

    private static Request request(SamplerKind sampler, Random random) {
        List<Integer> timesteps = List.of();
        List<Double> sigmas = List.of();
        SigmaSpacing schedule = SigmaSpacing.DEFAULT;
        int steps = 1 + random.nextInt(50);
        switch (random.nextInt(3)) {
            case 0 -> {
                if (sampler.takesTimesteps()) {
                    timesteps = new ArrayList<>(random.ints(1 + random.nextInt(20), 0, 1000)
                            .boxed()
                            .collect(() -> new TreeSet<Integer>(), TreeSet::add, TreeSet::addAll)
                            .descendingSet());
                    steps = timesteps.size();
                }
            }
            case 1 -> {
                if (sampler.takesSigmas()) {
                    sigmas = DoubleStream.generate(() -> 1e-3 + random.nextDouble() * 14)
                            .limit(1 + random.nextInt(20))
                            .boxed()
                            .sorted((a, b) -> Double.compare(b, a))
                            .toList();
                    steps = sigmas.size();
                }
            }
            default -> {
                List<SigmaSpacing> allowed = List.copyOf(sampler.schedules());
                schedule = allowed.get(random.nextInt(allowed.size()));
            }
        }
        double guidance = random.nextBoolean() ? 1 + random.nextInt(10) : 1 + random.nextDouble() * 29;
        OutputFormat format = OutputFormat.values()[random.nextInt(3)];
        return new Request(
                MODEL.id(),
                new Prompt(
                        PROMPTS.get(random.nextInt(PROMPTS.size())),
                        random.nextBoolean() ? "" : PROMPTS.get(random.nextInt(PROMPTS.size())),
                        random.nextInt(12)),
                new Size(64 + 8 * random.nextInt(100), 64 + 8 * random.nextInt(100)),
                new Sampling(sampler, schedule, steps, timesteps, sigmas),
                new Guidance(guidance, guidance > 1 && random.nextBoolean() ? random.nextDouble() : 0),
                new Seeds(random.nextLong(Seeds.MAX_SEED - 10), 1 + random.nextInt(8)),
                new Run(random.nextBoolean() ? Determinism.EXACT : Determinism.FAST, 0),
                format == OutputFormat.PNG ? Output.PNG : new Output(format, random.nextInt(101)));
    }

    @ParameterizedTest
    @MethodSource("fifty")
    void theFileGivesTheRequestBack(Request request) throws IOException {
        int index = request.seeds().count() - 1;
        Picture picture = new Picture(8, 8, new byte[3 * 8 * 8]);
        for (OutputFormat format : OutputFormat.values()) {
            byte[] file = PictureFile.encode(picture, Output.of(format), Recipe.of(request, index));
            Recipe read =
                    PictureFile.read(new ByteArrayInputStream(file)).recipe().orElseThrow();
            assertThat(resolved(read)).isEqualTo(request.single(index));
        }
        assertThat(request.single(index).seeds().count()).isEqualTo(1);
        assertThat(request.single(index).seeds().first())
                .isEqualTo(request.seeds().of(index));
    }

    @ParameterizedTest
    @MethodSource("fifty")
    void theTextGivesTheRequestBack(Request request) {
        String text = Recipe.of(request, 0).parameters();
        Recipe read = Parameters.read(text).orElseThrow();
        assertThat(read.unsupported()).isEmpty();
        assertThat(resolved(read)).as(text).isEqualTo(request.single(0));
    }

    @Test
    void everySamplerIsAmongTheFifty() {
        assertThat(fifty().map(request -> request.sampling().sampler())).contains(SamplerKind.values());
        assertThat(fifty().filter(request -> !request.sampling().sigmas().isEmpty()))
                .hasSizeGreaterThan(5);
        assertThat(fifty().filter(request -> !request.sampling().timesteps().isEmpty()))
                .hasSizeGreaterThan(5);
    }

    @Test
    void writesTheWebUisForm() {
        Request request = Requests.of(
                "my-model",
                Map.of(
                        "prompt",
                        "a red apple",
                        "negative_prompt",
                        "blurry",
                        "clip_skip",
                        1,
                        "width",
                        512,
                        "height",
                        640,
                        "steps",
                        20,
                        "guidance_scale",
                        7,
                        "seed",
                        5,
                        "sampler",
                        "euler_ancestral",
                        "schedule",
                        "karras"));
        assertThat(Recipe.of(request, 0).parameters()).isEqualTo("""
                        a red apple
                        Negative prompt: blurry
                        Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 512x640, Model:\
                         my-model, Clip skip: 2, Determinism: exact""");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
                    Euler a            | Automatic   | euler_ancestral | default
                    Euler              | -           | euler           | default
                    DPM++ 2M           | Automatic   | dpmpp_2m        | karras
                    DPM++ 2M           | Uniform     | dpmpp_2m        | default
                    DPM++ 2M           | -           | dpmpp_2m        | karras
                    DPM++ 2M Karras    | -           | dpmpp_2m        | karras
                    DPM++ 2M SDE       | Automatic   | dpmpp_2m_sde    | exponential
                    DPM++ 2M SDE       | Beta        | dpmpp_2m_sde    | beta
                    DPM++ 2M SDE Exponential | -     | dpmpp_2m_sde    | exponential
                    DPM++ SDE Karras   | -           | dpmpp_sde       | karras
                    DPM2               | Automatic   | dpm2            | karras
                    DPM2 a             | Uniform     | dpm2_ancestral  | default
                    DPM2 a Karras      | -           | dpm2_ancestral  | karras
                    DPM++ 2S           | -           | dpmpp_2s        | default
                    DEIS               | Karras      | deis            | karras
                    PLMS               | Automatic   | pndm            | default
                    UniPC              | -           | unipc           | default
                    """)
    void knowsTheWebUisNames(String sampler, @Nullable String schedule, String ours, String spacing) {
        Recipe read = Parameters.read("a\nSteps: 9, Sampler: " + sampler
                        + (schedule == null ? "" : ", Schedule type: " + schedule) + ", Seed: 1")
                .orElseThrow();
        assertThat(read.unsupported()).isEmpty();
        assertThat(read.request()).containsEntry("sampler", ours).containsEntry("schedule", spacing);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    Steps: 20, Sampler: DPM fast, Seed: 1                                | Sampler: DPM fast
                    Steps: 20, Sampler: Euler, Schedule type: SGM Uniform, Seed: 1       | Schedule type: SGM Uniform
                    Steps: 20, Sampler: Euler, Seed: 1, Denoising strength: 0.5          | Denoising strength: 0.5
                    Steps: 20, Sampler: Euler, Seed: 1, Hires upscaler: Latent           | Hires upscaler: Latent
                    Steps: many, Sampler: Euler, Seed: 1                                 | Steps: many
                    Steps: 20, Sampler: Euler, Seed: 1, Size: 512                        | Size: 512
                    Steps: 20, Sampler: Euler, Seed: 1, ControlNet 0: "Module: canny, Weight: 1" | ControlNet 0: Module: canny, Weight: 1
                    """)
    void namesWhatItCannotDraw(String settings, String unsupported) {
        assertThat(Parameters.read("a\n" + settings).orElseThrow().unsupported())
                .containsExactly(unsupported);
    }

    @Test
    void namesNetworksInThePrompt() {
        assertThat(Parameters.read("a <lora:thing:1>\nSteps: 20, Sampler: Euler, Seed: 1")
                        .orElseThrow()
                        .unsupported())
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a red apple", "a\nb\nc", "Steps: 20", "a\nSteps: 20, Seed: 5", "Negative prompt: b"})
    void aTextWithoutSettingsIsNoRecipe(String text) {
        assertThat(Parameters.read(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "null",
                "[]",
                "{}",
                "{\"darkroom_recipe\":2,\"request\":{}}",
                "{\"darkroom_recipe\":1,\"request\":[]}",
                "{\"darkroom_recipe\":1,\"request\":{\"n\":1,\"n\":2}}"
            })
    void refusesJsonThatIsNoRecipe(String json) {
        assertThatThrownBy(() -> Recipe.ofJson(json)).isInstanceOf(InvalidPicture.class);
    }

    /** As the API reads a request. */
    private static Request resolved(Recipe recipe) {
        Map<String, Object> request = recipe.request();
        assertThat(request.get("model")).isEqualTo(MODEL.id());
        return Request.of(Draft.of(request), MODEL);
    }
}
