package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.darkroom.library.BuiltInModel;
import dev.darkroom.library.ModelFolder;
import dev.darkroom.library.ModelLibrary;
import dev.darkroom.request.Draft;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Tensor;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Folders as diffusers 0.35 and later and transformers 4.57 and 5 write them, and as people change them. */
class TodaysFoldersTests {
    private static final String UNET = "unet/diffusion_pytorch_model.safetensors";
    private static final Path TINY = Path.of("src/test/resources/tiny-sd");

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        folder = temporary.resolve("tiny");
        FileSystemUtils.copyRecursively(TINY, folder);
    }

    /** What {@code DPMSolverMultistepScheduler.from_config(…).save_pretrained(…)} wrote in diffusers 0.35.2. */
    private static final String DPM_SOLVER = """
            {
              "_class_name": "DPMSolverMultistepScheduler",
              "_diffusers_version": "0.35.2",
              "algorithm_type": "dpmsolver++",
              "beta_end": 0.012,
              "beta_schedule": "scaled_linear",
              "beta_start": 0.00085,
              "clip_sample": false,
              "dynamic_thresholding_ratio": 0.995,
              "euler_at_final": false,
              "final_sigmas_type": "zero",
              "flow_shift": 1.0,
              "lambda_min_clipped": -Infinity,
              "lower_order_final": true,
              "num_train_timesteps": 1000,
              "prediction_type": "epsilon",
              "rescale_betas_zero_snr": false,
              "sample_max_value": 1.0,
              "set_alpha_to_one": false,
              "skip_prk_steps": true,
              "solver_order": 2,
              "solver_type": "midpoint",
              "steps_offset": 1,
              "thresholding": false,
              "timestep_spacing": "linspace",
              "trained_betas": null,
              "use_beta_sigmas": false,
              "use_exponential_sigmas": false,
              "use_flow_sigmas": false,
              "use_karras_sigmas": false,
              "use_lu_lambdas": false,
              "variance_type": null
            }
            """;

    @Test
    void readsMinusInfinityAsPythonWritesIt() throws IOException {
        Files.writeString(folder.resolve("scheduler/scheduler_config.json"), DPM_SOLVER);
        assertThat(new ModelFolder("tiny", folder).info().sampler()).isEqualTo(SamplerKind.DPMPP_2M);
        assertThat(draw("a red apple")).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "DDIMScheduler, dpmsolver++, DDIM",
        "DDPMScheduler, dpmsolver++, DDPM",
        "DEISMultistepScheduler, deis, DEIS",
        "DPMSolverMultistepScheduler, dpmsolver++, DPMPP_2M",
        "DPMSolverMultistepScheduler, sde-dpmsolver++, DPMPP_2M_SDE",
        "DPMSolverSinglestepScheduler, dpmsolver++, DPMPP_2S",
        "DPMSolverSinglestepScheduler, sde-dpmsolver++, DPMPP_SDE",
        "EulerAncestralDiscreteScheduler, dpmsolver++, EULER_ANCESTRAL",
        "EulerDiscreteScheduler, dpmsolver++, EULER",
        "HeunDiscreteScheduler, dpmsolver++, HEUN",
        "KDPM2AncestralDiscreteScheduler, dpmsolver++, DPM2_ANCESTRAL",
        "KDPM2DiscreteScheduler, dpmsolver++, DPM2",
        "LCMScheduler, dpmsolver++, LCM",
        "LMSDiscreteScheduler, dpmsolver++, LMS",
        "PNDMScheduler, dpmsolver++, PNDM",
        "UniPCMultistepScheduler, dpmsolver++, UNIPC"
    })
    void aFolderIsDrawnWithTheSamplerThatItsSchedulerNames(String className, String algorithm, SamplerKind sampler)
            throws IOException {
        set("scheduler/scheduler_config.json", "_class_name", className);
        set("scheduler/scheduler_config.json", "algorithm_type", algorithm);
        assertThat(new ModelFolder("tiny", folder).info().sampler()).isEqualTo(sampler);
    }

    @Test
    void readsTextsWithAByteOrderMark() throws IOException {
        for (String file : List.of("model_index.json", "unet/config.json", "tokenizer/vocab.json")) {
            Files.writeString(folder.resolve(file), "\ufeff" + Files.readString(folder.resolve(file)));
        }
        Files.writeString(folder.resolve("darkroom.json"), "\ufeff{\"steps\": 4}");
        assertThat(new ModelFolder("tiny", folder).info().steps()).isEqualTo(4);
    }

    /** As {@code CLIPTextModel(config).save_pretrained} and {@code from_single_file(…).save_pretrained} do in transformers 5. */
    @Test
    void readsATextEncoderWhoseNamesHaveNoPrefix() throws IOException {
        byte[] before = draw("a red apple");
        rewrite(
                folder.resolve("text_encoder/model.safetensors"),
                (name, tensor, writer) -> writer.add(name.replaceFirst("^text_model\\.", ""), tensor, tensor.dtype()));
        assertThat(draw("a red apple")).isEqualTo(before);
    }

    @Test
    void anAddedTokensEmbeddingReachesThePicture() throws IOException {
        byte[] before = draw("a photo of <sks> dog");
        Files.writeString(folder.resolve("tokenizer/added_tokens.json"), "{\"<sks>\": 814}");
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("vocab_size")
                .hasMessageContaining("at least 815");

        set("text_encoder/config.json", "vocab_size", 815);
        Set<ByteBuffer> pictures = new HashSet<>();
        for (float value : new float[] {3, -3}) {
            rewrite(folder.resolve("text_encoder/model.safetensors"), (name, tensor, writer) -> {
                if (name.endsWith("token_embedding.weight")) {
                    float[] rows = Arrays.copyOf(tensor.toFloats(), 815 * 32);
                    rows[814 * 32] = value; // not all the same, which the layer norms would take away
                    writer.add(name, DType.F32, new long[] {815, 32}, rows);
                } else {
                    writer.add(tensor, tensor.dtype());
                }
            });
            pictures.add(ByteBuffer.wrap(draw("a photo of <sks> dog")));
        }
        assertThat(pictures).hasSize(2).doesNotContain(ByteBuffer.wrap(before));
    }

    /** What {@code CLIPTokenizer.save_pretrained} writes in transformers 5: one file, and the special tokens as texts. */
    @Test
    void readsATokenizerFolderOfTransformers5() throws IOException {
        byte[] before = draw("a red apple");
        Path tokenizer = folder.resolve("tokenizer");
        ObjectNode definition = JsonMapper.shared().createObjectNode().put("version", "1.0");
        ArrayNode added = definition.putArray("added_tokens");
        for (int id : new int[] {812, 813}) {
            added.addObject()
                    .put("id", id)
                    .put("content", id == 812 ? "<|startoftext|>" : "<|endoftext|>")
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        ObjectNode model = definition.putObject("model").put("type", "BPE").put("end_of_word_suffix", "</w>");
        model.set(
                "vocab",
                JsonMapper.shared().readTree(tokenizer.resolve("vocab.json").toFile()));
        ArrayNode merges = model.putArray("merges");
        Files.readAllLines(tokenizer.resolve("merges.txt")).stream().skip(1).forEach(line -> {
            String[] pair = line.split(" ");
            merges.addArray().add(pair[0]).add(pair[1]);
        });
        Files.writeString(tokenizer.resolve("tokenizer.json"), definition.toString());
        Files.writeString(tokenizer.resolve("tokenizer_config.json"), """
                {"add_prefix_space": false, "backend": "tokenizers", "bos_token": "<|startoftext|>", "do_lower_case": true,
                 "eos_token": "<|endoftext|>", "errors": "replace", "is_local": true, "model_max_length": 77,
                 "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>"}""");
        for (String old : List.of("vocab.json", "merges.txt", "special_tokens_map.json")) {
            Files.delete(tokenizer.resolve(old));
        }
        assertThat(draw("a red apple")).isEqualTo(before);
    }

    @Test
    void aTokenizerThatCannotBeUsedIsFoundWhenTheFolderIsLookedAt() throws IOException {
        Files.writeString(folder.resolve("tokenizer/merges.txt"), "#version: 0.2\nno such merge\n");
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("merges.txt");
    }

    @Test
    void aTokenizerWithoutALengthIsAsLongAsItsEncoder() throws IOException {
        byte[] before = draw("a red apple");
        set("tokenizer/tokenizer_config.json", "model_max_length", new BigInteger("1000000000000000019884624838656"));
        assertThat(draw("a red apple")).isEqualTo(before);
    }

    /** A merge gone wrong: elsewhere the picture is black, and nothing says why. */
    @Test
    void aVaeThatMakesNanGivesNoPicture() throws IOException {
        rewrite(folder.resolve("vae/diffusion_pytorch_model.safetensors"), (name, tensor, writer) -> {
            float[] values = tensor.toFloats();
            values[0] = name.equals("decoder.conv_in.bias") ? Float.NaN : values[0];
            writer.add(name, tensor.dtype(), tensor.shape(), values);
        });
        assertThatThrownBy(() -> draw("a red apple"))
                .isInstanceOf(NotFinite.class)
                .hasMessageContaining("the VAE of model tiny made NaN");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            version https://git-lfs.github.com/spec/v1\\noid sha256:4d7a\\nsize 3438167534\\n | a Git LFS pointer instead of the file (run "git lfs pull"
            <!DOCTYPE html>\\n<html><head><title>Sign in</title></head></html>\\n            | a web page instead of the file
            \\n <HTML lang="en">                                                             | a web page instead of the file
            Entry not found                                                                 | a text that begins with "Entry not found"
            {"error":"Access to model is restricted"}                                        | a text that begins with "{"error":"Access to model
            PK\\3\\4\\0\\0\\10\\10\\0                                             | a pickled PyTorch file
            """)
    void saysWhatLiesInPlaceOfTheWeights(String content, String found) throws IOException {
        Files.writeString(folder.resolve(UNET), content.translateEscapes());
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining(UNET + ": expected a safetensors file, found " + found);
    }

    @Test
    void saysWhatLiesInPlaceOfAText() throws IOException {
        Files.writeString(folder.resolve("tokenizer/vocab.json"), "version https://git-lfs.github.com/spec/v1\n");
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("vocab.json: expected a JSON file, found a Git LFS pointer");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            diffusion_pytorch_model-00001-of-00002.safetensors | without their index diffusion_pytorch_model.safetensors.index.json
            diffusion_pytorch_model.safetensors.incomplete     | a download that has not ended
            diffusion_pytorch_model.bin                        | convert the checkpoint to safetensors
            diffusion_flax_model.msgpack                       | which is not for PyTorch
            model.safetensors                                  | which has another name
            """)
    void saysWhatLiesBesideMissingWeights(String file, String found) throws IOException {
        Files.move(folder.resolve(UNET), folder.resolve("unet").resolve(file));
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining(file)
                .hasMessageContaining(found);
    }

    @Test
    void saysThatALinkLeadsNowhere() throws IOException {
        Files.delete(folder.resolve(UNET));
        Files.createSymbolicLink(folder.resolve(UNET), Path.of("../../blobs/0123"));
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("no such file: a link to ../../blobs/0123, where no file lies");
    }

    /** What else they do needs no other networks than text to image. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "StableDiffusionImg2ImgPipeline",
                "StableDiffusionInpaintPipeline",
                "StableDiffusionControlNetPipeline",
                "StableDiffusionPAGPipeline",
                "StableDiffusionPanoramaPipeline",
                "StableDiffusionSAGPipeline"
            })
    void drawsTheSameWithPipelinesThatHaveTheSameNetworks(String className) throws IOException {
        set("scheduler/scheduler_config.json", "steps_offset", 0); // which these pipelines correct
        byte[] before = draw("a red apple");
        set("model_index.json", "_class_name", className);
        set("model_index.json", "controlnet", List.of("diffusers", "ControlNetModel"));
        set("model_index.json", "image_encoder", List.of("transformers", "CLIPVisionModelWithProjection"));
        assertThat(draw("a red apple")).isEqualTo(before);
    }

    @Test
    void refusesAnInpaintingNetworkByItsChannels() throws IOException {
        set("model_index.json", "_class_name", "StableDiffusionInpaintPipeline");
        set("unet/config.json", "in_channels", 9);
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("in_channels")
                .hasMessageContaining("found 9");
    }

    /** Options of transformers' own, of training, and of what is switched off. */
    @Test
    void readsConfigsWithOptionsThatChangeNothing() throws IOException {
        set("text_encoder/config.json", "use_cache", true);
        set("text_encoder/config.json", "return_dict", true);
        set("text_encoder/config.json", "tie_word_embeddings", true);
        set("text_encoder/config.json", "id2label", Map.of("0", "LABEL_0"));
        set("text_encoder/config.json", "gradient_checkpointing", true);
        set("text_encoder/config.json", "attn_implementation", "sdpa");
        set("text_encoder/config.json", "chunk_size_feed_forward", 0);
        set("unet/config.json", "only_cross_attention", List.of(false, false));
        set("unet/config.json", "sample_size", List.of(16, 16));
        set("unet/config.json", "cross_attention_dim", List.of(32, 32));
        new ModelFolder("tiny", folder);
        set("text_encoder/config.json", "quantization_config", Map.of("quant_method", "bitsandbytes"));
        assertThatThrownBy(() -> new ModelFolder("tiny", folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining("quantization_config");
    }

    @Test
    void theLogSaysWhyThingsInTheModelsDirectoryAreNotServed() throws IOException {
        Path models = temporary.resolve("models");
        FileSystemUtils.copyRecursively(TINY, models.resolve("served"));
        FileSystemUtils.copyRecursively(TINY, models.resolve("org/name"));
        FileSystemUtils.copyRecursively(TINY, models.resolve("models--org--name/snapshots/abc"));
        FileSystemUtils.copyRecursively(TINY, models.resolve("no-index"));
        Files.delete(models.resolve("no-index/model_index.json"));
        FileSystemUtils.copyRecursively(TINY, models.resolve("broken"));
        Files.delete(models.resolve("broken/unet/config.json"));
        Files.createDirectories(models.resolve("empty"));
        Files.createDirectories(models.resolve(".download-org--other/abc"));
        Files.createDirectories(models.resolve(".git"));
        Files.createSymbolicLink(models.resolve("link"), Path.of("nowhere"));
        Files.writeString(models.resolve("v1-5.ckpt"), "PK");
        Files.writeString(models.resolve("xl.safetensors.crdownload"), "half");
        Files.writeString(models.resolve("lfs.safetensors"), "version https://git-lfs.github.com/spec/v1\n");
        file(
                models.resolve("v1-5.safetensors"),
                "model.diffusion_model.input_blocks.0.0.weight",
                "first_stage_model.a");
        file(models.resolve("style.safetensors"), "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight");
        file(models.resolve("peft.safetensors"), "unet.down_blocks.0.attentions.0.proj_in.lora_A.weight");
        file(models.resolve("canny.safetensors"), "control_model.input_blocks.0.0.weight");
        file(models.resolve("vae.safetensors"), "decoder.conv_in.weight");
        file(models.resolve("flux.safetensors"), "double_blocks.0.img_attn.qkv.weight");

        Logger logger = (Logger) LoggerFactory.getLogger(ModelLibrary.class);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        ModelLibrary library;
        try {
            library = new ModelLibrary(models, temporary.resolve("cache"), List.of("cpu"), Optional.empty());
        } finally {
            logger.detachAppender(log);
        }
        assertThat(library.models()).extracting(ModelInfo::id).containsExactly(BuiltInModel.ID, "served");
        Map<String, String> expected = new TreeMap<>(Map.ofEntries(
                Map.entry("org", "it holds folders of models (org/name); move or link them one level up"),
                Map.entry("models--org--name", "the cache of huggingface_hub"),
                Map.entry("no-index", "a diffusers folder without its model_index.json"),
                Map.entry("empty", "an empty folder"),
                Map.entry(".download-org--other", "a download that has not ended"),
                Map.entry("link", "a link that leads nowhere"),
                Map.entry("v1-5.ckpt", "pickled weights"),
                Map.entry("xl.safetensors.crdownload", "a download that has not ended"),
                Map.entry("lfs.safetensors", "expected a safetensors file, found a Git LFS pointer"),
                Map.entry("v1-5.safetensors", "a single-file checkpoint; convert it"),
                Map.entry("style.safetensors", "LoRA weights"),
                Map.entry("peft.safetensors", "LoRA weights"),
                Map.entry("canny.safetensors", "a ControlNet"),
                Map.entry("vae.safetensors", "a VAE alone"),
                Map.entry("flux.safetensors", "a diffusion transformer")));
        List<String> lines = log.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(line -> line.contains(models.toString()))
                .toList();
        expected.forEach((name, reason) -> assertThat(lines)
                .filteredOn(line -> line.startsWith(models.resolve(name) + " is not served: " + reason))
                .as(name)
                .hasSize(1));
        assertThat(lines)
                .filteredOn(line -> line.startsWith("Model broken is left out"))
                .hasSize(1);
        assertThat(lines).hasSize(expected.size() + 1);
    }

    private static void file(Path path, String... tensors) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String tensor : tensors) {
            writer.add(tensor, DType.F32, new long[] {1}, new float[1]);
        }
        writer.write(path);
    }

    private void set(String file, String key, Object value) throws IOException {
        Path path = folder.resolve(file);
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(path.toFile());
        json.set(key, JsonMapper.shared().valueToTree(value));
        Files.writeString(path, json.toString());
    }

    private interface Copy {
        void add(String name, Tensor tensor, SafetensorsWriter writer);
    }

    private void rewrite(Path file, Copy copy) throws IOException {
        Path original = temporary.resolve("original.safetensors");
        Files.move(file, original);
        SafetensorsWriter writer = new SafetensorsWriter();
        try (Weights weights = Weights.open(original)) {
            for (String name : weights.names()) {
                if (!name.endsWith("position_ids")) { // which are no weights
                    copy.add(name, weights.tensor(name), writer);
                }
            }
            writer.write(file);
        }
        Files.delete(original);
    }

    private byte[] draw(String prompt) {
        return draw(folder, prompt);
    }

    /** @return its pixels */
    private static byte[] draw(Path folder, String prompt) {
        ModelFolder model = new ModelFolder("tiny", folder);
        try (DiffusionPipeline pipeline = model.load()) {
            Request request = Request.of(Draft.of(Map.of("prompt", prompt, "steps", 2, "seed", 1L)), model.info());
            try (Generation generation = pipeline.begin(request, 0)) {
                Golden.draw(pipeline, List.of(generation));
                return pipeline.finish(generation).rgb();
            }
        }
    }
}
