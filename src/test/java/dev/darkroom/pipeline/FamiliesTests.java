package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.darkroom.library.ModelFolder;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.Networks;
import dev.darkroom.nets.Networks.TextStates;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Draft;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tiny checkpoint of every family against diffusers. Folders and numbers: {@code
 * src/test/reference/families_reference.py}.
 */
class FamiliesTests {
    private static final Path FAMILIES = Path.of("src/test/resources/families");
    private static final Map<String, DiffusionPipeline> pipelines = new HashMap<>();
    private static Weights reference;

    @BeforeAll
    static void open() {
        reference = Weights.open(FAMILIES.resolve("reference.safetensors"));
    }

    @AfterAll
    static void close() {
        pipelines.values().forEach(DiffusionPipeline::close);
        pipelines.clear();
        reference.close();
    }

    @TempDir
    private Path temporary;

    private static DiffusionPipeline pipeline(String family) {
        return pipelines.computeIfAbsent(family, name -> new ModelFolder(name, FAMILIES.resolve(name)).load());
    }

    private Path copy(String family) throws IOException {
        Path copy = temporary.resolve(family);
        FileSystemUtils.copyRecursively(FAMILIES.resolve(family), copy);
        return copy;
    }

    static Stream<JsonNode> cases() {
        return cases("(?!lcm.ddim).*");
    }

    private static Stream<JsonNode> cases(String name) {
        return JsonMapper.shared()
                .readTree(FAMILIES.resolve("reference.json").toFile())
                .get("cases")
                .valueStream()
                .filter(c -> c.get("name").stringValue().matches(name));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void drawsThePictureThatDiffusersDraws(JsonNode c) {
        compare(c, pipeline(c.get("family").stringValue()));
    }

    private static void compare(JsonNode c, DiffusionPipeline pipeline) {
        String name = c.get("name").stringValue();
        Generation generation = pipeline.begin(Golden.request(c.get("family").stringValue(), c), 0);
        Golden.draw(pipeline, List.of(generation));
        double latents = Golden.maxDifference(
                pipeline.latents(generation),
                reference.tensor(name + ".latents").toFloats());
        double levels = Golden.maxDifference(
                Golden.levels(pipeline.finish(generation)),
                reference.tensor(name + ".picture").toFloats());
        System.out.printf("%s: latents %.2e, picture %.0f levels%n", name, latents, levels);
        assertThat(latents).as("latents").isLessThan(1e-3);
        assertThat(levels).as("levels of 255").isLessThanOrEqualTo(1);
    }

    @Test
    void aGuidanceDistilledNetworkIsToldTheScaleWhateverTheSampler() throws IOException {
        JsonNode c = cases("lcm.ddim").findFirst().orElseThrow();
        Path folder = copy("lcm");
        set(folder, "scheduler/scheduler_config.json", "_class_name", "\"DDIMScheduler\"");
        try (DiffusionPipeline pipeline = new ModelFolder("lcm", folder).load()) {
            assertThat(pipeline.begin(Golden.request(c.get("family").stringValue(), c), 0)
                            .rows())
                    .isEqualTo(1);
            compare(c, pipeline);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sdxl", "sdxl-turbo", "sdxl-refiner"})
    void textEncodersSayWhatTheySayInDiffusers(String family) {
        DiffusersFolder folder = DiffusersFolder.open(FAMILIES.resolve(family));
        String prompt = cases(family).findFirst().orElseThrow().get("prompt").stringValue();
        try (Networks networks = new Networks(folder)) {
            int left = 0;
            for (int i = 0; i < networks.textEncoders(); i++) {
                int width = networks.text(i).width();
                boolean last = i == networks.textEncoders() - 1;
                long[] ids;
                try (ClipTokenizer tokenizer =
                        ClipTokenizer.open(folder.path().resolve(last ? "tokenizer_2" : "tokenizer"))) {
                    ids = tokenizer.encode(prompt);
                }
                for (int skip = 0; skip < 2; skip++) {
                    float[] all = reference.tensor(family + ".hidden." + skip).toFloats();
                    TextStates states = networks.encodeText(i, ids, skip);
                    assertThat(Golden.maxDifference(states.hidden(), columns(all, ids.length, left, width)))
                            .isLessThan(1e-4);
                    if (last) {
                        float[] pooled = reference.tensor(family + ".pooled").toFloats();
                        assertThat(Golden.maxDifference(states.pooled(), pooled))
                                .isLessThan(1e-4);
                    } else {
                        assertThat(states.pooled()).isNull();
                    }
                }
                left += width;
            }
        }
    }

    private static float[] columns(float[] values, int rows, int left, int width) {
        float[] columns = new float[rows * width];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * (values.length / rows) + left, columns, row * width, width);
        }
        return columns;
    }

    @Test
    void picturesOfOneCallKeepTheirOwnConditioning() {
        DiffusionPipeline pipeline = pipeline("sdxl-refiner");
        List<Request> specs = List.of(
                request("a red apple", "blurry", 5, 1),
                request("a blue car", "", 1, 2),
                request("a cat", "low quality", 3, 3));
        List<Generation> together = new ArrayList<>();
        specs.forEach(request -> together.add(pipeline.begin(request, 0)));
        for (int step = 0; step < 3; step++) {
            pipeline.step(together);
        }
        for (int i = 0; i < specs.size(); i++) {
            Generation alone = pipeline.begin(specs.get(i), 0);
            while (!alone.done()) {
                pipeline.step(List.of(alone));
            }
            assertThat(Golden.maxDifference(pipeline.latents(together.get(i)), pipeline.latents(alone)))
                    .as("picture %d", i)
                    .isLessThan(1e-3);
        }
    }

    private static Request request(String prompt, String negativePrompt, double guidance, long seed) {
        return Requests.of(
                "sdxl-refiner",
                Map.of(
                        "prompt",
                        prompt,
                        "negative_prompt",
                        negativePrompt,
                        "width",
                        32,
                        "height",
                        32,
                        "steps",
                        3,
                        "guidance_scale",
                        guidance,
                        "seed",
                        seed));
    }

    @ParameterizedTest
    @CsvSource({
        "sd2, 20, 7.5, DDIM, v_prediction",
        "sd-turbo, 20, 7.5, EULER, epsilon",
        "sdxl, 20, 5, EULER, epsilon",
        "sdxl-turbo, 20, 5, EULER_ANCESTRAL, epsilon",
        "sdxl-refiner, 20, 5, EULER, epsilon",
        "lcm, 4, 8.5, LCM, epsilon"
    })
    void aFoldersFilesGiveTheDefaults(
            String family, int steps, double guidance, SamplerKind sampler, String predictionType) {
        ModelInfo info = new ModelFolder(family, FAMILIES.resolve(family)).info();
        assertThat(info.steps()).isEqualTo(steps);
        assertThat(info.guidanceScale()).isEqualTo(guidance);
        assertThat(info.sampler()).isEqualTo(sampler);
        assertThat(info.predictionType()).isEqualTo(predictionType);
        assertThat(info.width()).isEqualTo(32);
    }

    /** Its U-Net takes the guidance scale as an input, so nobody evaluates a negative prompt. */
    @Test
    void aBatchOfLcmPicturesHasOneRowAPicture() {
        DiffusionPipeline pipeline = pipeline("lcm");
        ModelInfo info = pipeline.info();
        assertThat(info.guidanceEmbedded()).isTrue();
        List<Generation> batch = new ArrayList<>();
        for (long seed = 1; seed <= 4; seed++) {
            Request request = Request.of(
                    Draft.of(Map.of("prompt", "a red apple", "guidance_scale", 8.0, "steps", 2, "seed", seed)), info);
            assertThat(Cost.of(request, info.guidanceEmbedded()).rows()).isEqualTo(1);
            batch.add(pipeline.begin(request, 0));
        }
        assertThat(batch).extracting(Generation::rows).containsOnly(1);
        Golden.draw(pipeline, batch);
        assertThat(batch)
                .extracting(generation -> pipeline.finish(generation).rgb())
                .doesNotHaveDuplicates();
        batch.forEach(Generation::close);
    }

    /** Options of the same classes that other families use; each is refused by its name. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            sd2 | unet/config.json | class_embed_type | "timestep"
            sd2 | unet/config.json | num_class_embeds | 1000
            sd2 | unet/config.json | addition_embed_type | "text_image"
            sd2 | unet/config.json | encoder_hid_dim_type | "text_proj"
            sd2 | unet/config.json | only_cross_attention | [true, false]
            sd2 | unet/config.json | dual_cross_attention | true
            sd2 | unet/config.json | resnet_time_scale_shift | "scale_shift"
            sd2 | unet/config.json | time_embedding_type | "fourier"
            sd2 | unet/config.json | mid_block_type | "UNetMidBlock2DSimpleCrossAttn"
            sd2 | unet/config.json | conv_in_kernel | 1
            sd2 | unet/config.json | attention_type | "gated"
            sd2 | unet/config.json | attention_head_dim | [2, 3, 4]
            sd2 | unet/config.json | in_channels | 9
            sd2 | unet/config.json | conditioning_embedding_out_channels | [16, 32, 96, 256]
            sd2 | text_encoder/config.json | hidden_act | "relu"
            sdxl | unet/config.json | projection_class_embeddings_input_dim | 90
            sdxl | unet/config.json | projection_class_embeddings_input_dim | 96
            sdxl | unet/config.json | addition_time_embed_dim | null
            sdxl | unet/config.json | cross_attention_dim | 32
            ssd | unet/config.json | reverse_transformer_layers_per_block | [[2, 1], [2, 1, 1], 1]
            ssd | unet/config.json | transformer_layers_per_block | [1, 2]
            sdxl-turbo | vae/config.json | shift_factor | 0.1
            sdxl-turbo | vae/config.json | latents_mean | [0.1, 0.2]
            taesd | vae/config.json | upsampling_scaling_factor | 3
            taesd | vae/config.json | act_fn | "silu"
            """)
    void refusesWhatItDoesNotSupportByName(String family, String file, String key, String value) throws IOException {
        Path folder = copy(family);
        set(folder, file, key, value);
        InvalidCheckpoint refusal =
                catchThrowableOfType(InvalidCheckpoint.class, () -> new ModelFolder(family, folder));
        assertThat(refusal).isNotNull();
        assertThat(refusal.file().toString()).endsWith(file);
        assertThat(refusal).hasMessageContaining(key);
    }

    @Test
    void refusesAnAddedEmbeddingWithoutTheEncoderItNeeds() throws IOException {
        Path folder = copy("sdxl");
        set(folder, "model_index.json", "text_encoder_2", "[null, null]");
        assertThat(catchThrowableOfType(InvalidCheckpoint.class, () -> new ModelFolder("sdxl", folder)))
                .hasMessageContaining("projection_class_embeddings_input_dim")
                .hasMessageContaining("there is none");
    }

    @Test
    void refusesAFolderThatLacksAShard() throws IOException {
        Path folder = copy("sdxl");
        String shard = "diffusion_pytorch_model.fp16-00002-of-00004.safetensors";
        Files.delete(folder.resolve("unet").resolve(shard));
        assertThat(catchThrowableOfType(InvalidCheckpoint.class, () -> new ModelFolder("sdxl", folder)))
                .hasMessageContaining(shard);
    }

    private static void set(Path folder, String file, String key, String value) throws IOException {
        Path path = folder.resolve(file);
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(path.toFile());
        json.set(key, JsonMapper.shared().readTree(value));
        Files.writeString(path, json.toString());
    }
}
