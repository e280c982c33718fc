package dev.darkroom.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.weights.DiffusersFolder.Component;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiffusersFolderTests {

    private static final String INDEX = """
            {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.6.0",
             "feature_extractor": ["transformers", "CLIPFeatureExtractor"],
             "safety_checker": [null, null],
             "image_encoder": [null, null],
             "requires_safety_checker": true,
             "scheduler": ["diffusers", "PNDMScheduler"],
             "text_encoder": ["transformers", "CLIPTextModel"],
             "tokenizer": ["transformers", "CLIPTokenizer"],
             "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": [null, null]}
            """;

    @TempDir
    Path folder;

    @Test
    void readsTheComponentsOfAPipeline() throws IOException {
        index(INDEX);
        config("unet/config.json", "{\"in_channels\": 4}");
        config("scheduler/scheduler_config.json", "{\"beta_start\": 0.00085}");
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        assertThat(diffusers.path()).isEqualTo(folder);
        assertThat(diffusers.className()).isEqualTo("StableDiffusionPipeline");
        assertThat(diffusers.has("unet")).isTrue();
        assertThat(diffusers.has("vae")).isFalse();
        assertThat(diffusers.has("safety_checker")).isFalse();
        assertThat(diffusers.has("feature_extractor")).isFalse();
        assertThat(diffusers.has("requires_safety_checker")).isFalse();

        Component unet = diffusers.component("unet");
        assertThat(unet.name()).isEqualTo("unet");
        assertThat(unet.library()).isEqualTo("diffusers");
        assertThat(unet.className()).isEqualTo("UNet2DConditionModel");
        assertThat(unet.config().path("in_channels").intValue()).isEqualTo(4);
        assertThat(unet.folder()).isEqualTo(folder.resolve("unet"));
        assertThat(unet.configFile()).isEqualTo(folder.resolve("unet/config.json"));
        assertThat(diffusers.component("scheduler").config().path("beta_start").doubleValue())
                .isEqualTo(0.00085);
        assertThat(diffusers.component("tokenizer").config()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"_class_name":"FluxPipeline"}                   | "_class_name": expected StableDiffusionPipeline or StableDiffusionXLPipeline or LatentConsistencyModelPipeline, or one with the same networks, found "FluxPipeline"
            {}                                               | "_class_name": expected StableDiffusionPipeline or StableDiffusionXLPipeline or LatentConsistencyModelPipeline, or one with the same networks, found nothing
            {"_class_name":"StableDiffusionPipeline","unet":["diffusers","UNetMotionModel"]} | "unet": expected UNet2DConditionModel, found UNetMotionModel
            {"_class_name":"StableDiffusionPipeline","tokenizer":["transformers","T5Tokenizer"]} | "tokenizer": expected CLIPTokenizer or CLIPTokenizerFast, found T5Tokenizer
            {"_class_name":"StableDiffusionPipeline","unet":["UNet2DConditionModel"]} | "unet": expected [library, class], found ["UNet2DConditionModel"]
            {"_class_name":"StableDiffusionPipeline","unet":["diffusers",7]} | "unet": expected [library, class], found ["diffusers",7]
            {"_class_name":"StableDiffusionPipeline","prior":["diffusers","PriorTransformer"]} | "prior": expected one of the components scheduler, text_encoder, text_encoder_2, tokenizer, tokenizer_2, unet, vae, found ["diffusers","PriorTransformer"]
            {"_class_name":"StableDiffusion3Pipeline"}       | "_class_name": expected StableDiffusionPipeline or StableDiffusionXLPipeline or LatentConsistencyModelPipeline, or one with the same networks, found "StableDiffusion3Pipeline"
            {"_class_name":"StableDiffusionXLPipeline","text_encoder_2":["transformers","T5EncoderModel"]} | "text_encoder_2": expected CLIPTextModelWithProjection, found T5EncoderModel
            {"_class_name":"StableDiffusionPipeline","vae":["diffusers","AutoencoderDC"]} | "vae": expected AutoencoderKL or AutoencoderTiny, found AutoencoderDC
            {"_class_name":"StableDiffusionPipeline"         | expected well-formed JSON, found
            """)
    void refusesWhatItCannotBuild(String index, String message) throws IOException {
        index(index);
        assertThatThrownBy(() -> DiffusersFolder.open(folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining(folder.resolve("model_index.json") + ": " + message);
    }

    @Test
    void readsThePipelinesFlags() throws IOException {
        index(
                "{\"_class_name\": \"StableDiffusionXLPipeline\", \"on\": true, \"off\": false, \"none\": null, \"n\": 1}");
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        assertThat(diffusers.flag("on", false)).isTrue();
        assertThat(diffusers.flag("off", true)).isFalse();
        assertThat(diffusers.flag("none", true)).isTrue();
        assertThat(diffusers.flag("missing", true)).isTrue();
        assertThatThrownBy(() -> diffusers.flag("n", true))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("\"n\": expected true or false, found 1");
    }

    @Test
    void namesTheFileThatIsMissing() throws IOException {
        assertThatThrownBy(() -> DiffusersFolder.open(folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(folder.resolve("model_index.json") + ": expected a JSON file, found no such file");
        index(INDEX);
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        assertThatThrownBy(() -> diffusers.component("unet"))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(folder.resolve("unet/config.json") + ": expected a JSON file, found no such file");
        assertThatThrownBy(() -> diffusers.component("vae"))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(folder.resolve("model_index.json")
                        + ": \"vae\": expected the component [library, class], found none");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "diffusion_pytorch_model.safetensors",
                "diffusion_pytorch_model.fp16.safetensors",
                "diffusion_pytorch_model.safetensors.index.json",
                "diffusion_pytorch_model.safetensors.index.fp16.json",
                "diffusion_pytorch_model.fp16.safetensors.index.json",
                "diffusion_pytorch_model.bf16.safetensors",
                "diffusion_pytorch_model.non_ema.safetensors",
                "diffusion_pytorch_model.safetensors.index.bf16.json"
            })
    void opensTheWeightsByTheNamesDiffusersGives(String name) throws IOException {
        Component unet = unet();
        weights(name, 1);
        assertThat(firstWeight(unet)).isEqualTo(1);
    }

    @Test
    void prefersTheFullPrecisionFile() throws IOException {
        Component unet = unet();
        weights("diffusion_pytorch_model.ema.safetensors", 1);
        weights("diffusion_pytorch_model.bf16.safetensors", 8);
        assertThat(firstWeight(unet)).isEqualTo(8);
        weights("diffusion_pytorch_model.fp16.safetensors", 16);
        assertThat(firstWeight(unet)).isEqualTo(16);
        weights("diffusion_pytorch_model.safetensors", 32);
        assertThat(firstWeight(unet)).isEqualTo(32);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
                "diffusion_pytorch_model-00001-of-00002.fp16.safetensors",
                "adapter.fp16.safetensors"
            })
    void takesNoShardOrStrangerForTheWholeModel(String name) throws IOException {
        Component unet = unet();
        weights(name, 1);
        assertThatThrownBy(unet::weights).isInstanceOf(InvalidCheckpoint.class);
    }

    @Test
    void opensTheTextEncodersModelFile() throws IOException {
        index(INDEX);
        config("text_encoder/config.json", "{}");
        new SafetensorsWriter()
                .add("x", DType.F32, new long[] {1}, new float[] {5})
                .write(folder.resolve("text_encoder/model.fp16.safetensors"));
        assertThat(firstWeight(DiffusersFolder.open(folder).component("text_encoder")))
                .isEqualTo(5);
    }

    @Test
    void saysThatSafetensorsAreNeeded() throws IOException {
        Component unet = unet();
        Path expected = folder.resolve("unet/diffusion_pytorch_model.safetensors");
        assertThatThrownBy(unet::weights)
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(expected + ": expected a safetensors file, found no such file");
        Files.createFile(folder.resolve("unet/diffusion_pytorch_model.bin"));
        assertThatThrownBy(unet::weights)
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(expected + ": expected a safetensors file, found only diffusion_pytorch_model.bin;"
                        + " convert the checkpoint to safetensors");
    }

    @Test
    void listsTheFilesThatAreReadOfThosePublished() throws IOException {
        index("""
                {"_class_name": "StableDiffusionXLPipeline",
                 "scheduler": ["diffusers", "EulerDiscreteScheduler"],
                 "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
                 "tokenizer_2": ["transformers", "CLIPTokenizer"],
                 "unet": ["diffusers", "UNet2DConditionModel"]}
                """);
        Set<String> published = Set.of(
                "model_index.json",
                "sd_xl_base_1.0.safetensors",
                "scheduler/scheduler_config.json",
                "text_encoder/model.safetensors",
                "text_encoder_2/config.json",
                "text_encoder_2/model.fp16.safetensors",
                "text_encoder_2/model.onnx",
                "tokenizer_2/merges.txt",
                "tokenizer_2/vocab.json",
                "tokenizer_2/README.md",
                "unet/config.json",
                "unet/diffusion_pytorch_model.safetensors.index.json",
                "unet/diffusion_pytorch_model.fp16.safetensors",
                "unet/diffusion_pytorch_model-00001-of-00001.safetensors");
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        List<String> needed = List.of(
                "model_index.json",
                "scheduler/scheduler_config.json",
                "text_encoder_2/config.json",
                "text_encoder_2/model.fp16.safetensors",
                "tokenizer_2/merges.txt",
                "tokenizer_2/vocab.json",
                "unet/config.json",
                "unet/diffusion_pytorch_model.safetensors.index.json");
        assertThat(diffusers.files(published)).containsExactlyElementsOf(needed);
        assertThat(needed.stream().filter(DiffusersFolder::isShardIndex)).hasSize(1);

        config(
                "unet/diffusion_pytorch_model.safetensors.index.json",
                "{\"weight_map\":{\"x\":\"diffusion_pytorch_model-00001-of-00001.safetensors\"}}");
        assertThat(diffusers.files(published))
                .hasSize(needed.size() + 1)
                .contains("unet/diffusion_pytorch_model-00001-of-00001.safetensors");
    }

    @Test
    void missesAComponentsFilesAmongThosePublished() throws IOException {
        index(INDEX);
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        assertThatThrownBy(() -> diffusers.files(Set.of("scheduler/scheduler_config.json")))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(folder.resolve("text_encoder/config.json") + ": expected a JSON file, found no such file");
    }

    private Component unet() throws IOException {
        index(INDEX);
        config("unet/config.json", "{}");
        return DiffusersFolder.open(folder).component("unet");
    }

    private void weights(String name, float value) throws IOException {
        Path file = folder.resolve("unet").resolve(name);
        if (name.endsWith(".json")) {
            Files.writeString(file, "{\"weight_map\":{\"x\":\"shard.safetensors\"}}");
            file = file.resolveSibling("shard.safetensors");
        }
        new SafetensorsWriter()
                .add("x", DType.F32, new long[] {1}, new float[] {value})
                .write(file);
    }

    private static float firstWeight(Component component) {
        try (Weights weights = component.weights()) {
            return weights.tensor("x", 1).toFloats()[0];
        }
    }

    private void index(String json) throws IOException {
        Files.writeString(folder.resolve("model_index.json"), json);
    }

    private void config(String name, String json) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, json);
    }
}
