package dev.darkroom.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.darkroom.request.Determinism;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Damaged and unsupported folders are refused before anything is compiled, saying what is wrong where. */
class ModelFolderTests {
    private static final String UNET = "unet/diffusion_pytorch_model.safetensors";

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        folder = temporary.resolve("models/tiny");
        FileSystemUtils.copyRecursively(Path.of("src/test/resources/tiny-sd"), folder);
    }

    @Test
    void tellsWhatAModelOffers() {
        ModelInfo info = new ModelFolder("tiny", folder).info();
        assertThat(info.width()).isEqualTo(32);
        assertThat(info.sizeMultiple()).isEqualTo(4);
        assertThat(info.sampler()).isEqualTo(SamplerKind.PNDM);
        assertThat(info.predictionType()).isEqualTo("epsilon");
        // U-Net and VAE as counted by diffusers (src/test/reference/README.md), and the text encoder's weights.
        assertThat(info.parameters()).isEqualTo(771_380 + 167_959 + textEncoderParameters());
    }

    /** Resident memory grew by 46 MB for each copy that was loaded and used, and by 41 MB in a server. */
    @Test
    void aSmallModelTakesTheMemoryOfItsProgramsToo() {
        assertThat(new ModelFolder("tiny", folder).bytes()).isBetween(44_000_000L, 60_000_000L);
    }

    private long textEncoderParameters() {
        try (Weights weights = Weights.open(folder.resolve("text_encoder/model.safetensors"))) {
            return weights.parameters();
        }
    }

    @Test
    void darkroomJsonSetsDefaults() throws IOException {
        Files.writeString(folder.resolve("darkroom.json"), """
                {"description": "random", "steps": 7, "guidance_scale": 3, "sampler": "euler", "schedule": "karras",
                 "words": ["A", "T-shirt"]}""");
        ModelInfo info = new ModelFolder("tiny", folder).info();
        assertThat(info.steps()).isEqualTo(7);
        assertThat(info.guidanceScale()).isEqualTo(3);
        assertThat(info.sampler()).isEqualTo(SamplerKind.EULER);
        assertThat(info.words()).containsExactlyInAnyOrder("a", "t", "shirt");
    }

    @Test
    void refusesAMissingFile() throws IOException {
        Files.delete(folder.resolve(UNET));
        assertThat(refusal()).hasMessageContaining(UNET);
    }

    @Test
    void refusesATruncatedFile() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve(UNET).toFile(), "rw")) {
            file.setLength(file.length() - 1000);
        }
        assertThat(refusal()).hasMessageContaining(UNET).hasMessageContaining("expected");
    }

    @Test
    void refusesAHeaderLengthThatLies() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve(UNET).toFile(), "rw")) {
            file.write(new byte[] {-1, -1, -1, -1, -1, -1, -1, 127});
        }
        assertThat(refusal()).hasMessageContaining(UNET).hasMessageContaining("expected");
    }

    @Test
    void refusesAWrongShapeNamingTensorExpectedAndFound() throws IOException {
        rewriteUnet("conv_in.weight", new long[] {32, 8, 3, 3});
        InvalidCheckpoint refusal = refusal();
        assertThat(refusal.file().toString()).endsWith(UNET);
        assertThat(refusal.key()).contains("conv_in.weight");
        assertThat(refusal.expected()).contains("[32, 4, 3, 3]");
        assertThat(refusal.found()).contains("[32, 8, 3, 3]");
    }

    @Test
    void refusesAMissingTensorByName() throws IOException {
        rewriteUnet("conv_in.weight", null);
        assertThat(refusal().key()).contains("conv_in.weight");
    }

    @Test
    void readsTheVaesAttentionUnderItsOldNames() throws IOException {
        Path file = folder.resolve("vae/diffusion_pytorch_model.safetensors");
        Path original = folder.resolve("original.safetensors");
        Files.move(file, original);
        SafetensorsWriter writer = new SafetensorsWriter();
        try (Weights weights = Weights.open(original)) {
            for (String name : weights.names()) {
                String old = name.replace("to_q.", "query.")
                        .replace("to_k.", "key.")
                        .replace("to_v.", "value.")
                        .replace("to_out.0.", "proj_attn.");
                writer.add(old, weights.tensor(name), DType.F32);
            }
            writer.write(file);
        }
        try (Weights renamed = Weights.open(file)) {
            assertThat(renamed.names())
                    .anyMatch(name -> name.contains("proj_attn"))
                    .noneMatch(n -> n.contains("to_q"));
        }
        new ModelFolder("tiny", folder).load().close();
    }

    private void rewriteUnet(String name, long[] shape) throws IOException {
        Path original = folder.resolve("original.safetensors");
        Files.move(folder.resolve(UNET), original);
        SafetensorsWriter writer = new SafetensorsWriter();
        try (Weights weights = Weights.open(original)) {
            for (String other : weights.names()) {
                if (!other.equals(name)) {
                    writer.add(weights.tensor(other), DType.F32);
                }
            }
            if (shape != null) {
                int size = 1;
                for (long extent : shape) {
                    size *= (int) extent;
                }
                writer.add(name, DType.F32, shape, new float[size]);
            }
            writer.write(folder.resolve(UNET));
        }
    }

    @Test
    void refusesAnUnsupportedPipelineClass() throws IOException {
        change("model_index.json", "\"StableDiffusionPipeline\"", "\"FluxPipeline\"");
        InvalidCheckpoint refusal = refusal();
        assertThat(refusal.key()).contains("_class_name");
        assertThat(refusal).hasMessageContaining("FluxPipeline").hasMessageContaining("StableDiffusionPipeline");
    }

    @Test
    void refusesAnUnsupportedComponentClass() throws IOException {
        change("model_index.json", "\"UNet2DConditionModel\"", "\"SD3Transformer2DModel\"");
        assertThat(refusal()).hasMessageContaining("unet").hasMessageContaining("SD3Transformer2DModel");
    }

    @Test
    void refusesUnknownConfigValuesByName() throws IOException {
        set("unet/config.json", "act_fn", "mish");
        InvalidCheckpoint refusal = refusal();
        assertThat(refusal.key()).contains("act_fn");
        assertThat(refusal.found()).contains("mish");
    }

    @Test
    void refusesOptionsItDoesNotKnowUnlessTheyAreOff() throws IOException {
        set("unet/config.json", "some_future_option", null);
        new ModelFolder("tiny", folder);
        set("unet/config.json", "some_future_option", "on");
        assertThat(refusal().key()).contains("some_future_option");
    }

    @Test
    void refusesANoiseScheduleItDoesNotKnow() throws IOException {
        set("scheduler/scheduler_config.json", "beta_schedule", "sigmoid");
        assertThat(refusal()).hasMessageContaining("beta_schedule").hasMessageContaining("sigmoid");
    }

    @Test
    void refusesNetworksThatDoNotFitEachOther() throws IOException {
        set("unet/config.json", "cross_attention_dim", 64);
        assertThat(refusal()).hasMessageContaining("cross_attention_dim").hasMessageContaining("32");
    }

    @Test
    void aLibraryLeavesOutWhatIsBrokenAndKeepsTheRest() throws IOException {
        Path broken = temporary.resolve("models/broken");
        FileSystemUtils.copyRecursively(folder, broken);
        Files.writeString(broken.resolve("unet/config.json"), "{\"block_out");
        ModelLibrary library = new ModelLibrary(
                temporary.resolve("models"), temporary.resolve("cache"), List.of("cpu"), Optional.empty());
        assertThat(library.models()).extracting(ModelInfo::id).containsExactly(BuiltInModel.ID, "tiny");
        assertThat(library.models()).extracting(ModelInfo::determinism).containsOnly(Determinism.EXACT);
        try (LoadedModels loaded = library.on("cpu")) {
            assertThat(loaded.open("tiny").info().id()).isEqualTo("tiny");
        }
        try (Stream<Path> left = Files.walk(temporary.resolve("cache"))) {
            assertThat(left).noneMatch(path -> path.toString().endsWith(".tmp"));
        }
    }

    @Test
    void aLibrarySaysThatADeviceIsNotThere() {
        assertThatThrownBy(() -> new ModelLibrary(
                        temporary, temporary.resolve("cache"), List.of("cpu", "cuda:100"), Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no device \"cuda:100\"");
    }

    private InvalidCheckpoint refusal() throws IOException {
        Path cache = temporary.resolve("cache");
        InvalidCheckpoint refusal = catchThrowableOfType(
                InvalidCheckpoint.class,
                () -> new ModelFolder("tiny", folder).load().close());
        assertThat(refusal).as("the folder is refused").isNotNull();
        assertThat(cache).as("nothing is left behind").doesNotExist();
        return refusal;
    }

    private void change(String file, String from, String to) throws IOException {
        Path path = folder.resolve(file);
        String text = Files.readString(path);
        assertThat(text).contains(from);
        Files.writeString(path, text.replace(from, to));
    }

    private void set(String file, String key, Object value) throws IOException {
        Path path = folder.resolve(file);
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(path.toFile());
        json.set(key, JsonMapper.shared().valueToTree(value));
        Files.writeString(path, json.toString());
    }
}
