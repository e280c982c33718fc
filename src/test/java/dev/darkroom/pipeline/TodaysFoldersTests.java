package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.SamplerKind;
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
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Folders as diffusers 0.35 and later and transformers 4.57 and 5 write them, and as people change them. */
class TodaysFoldersTests {
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
            ImageSpec spec =
                    ImageSpec.of(new ImageDraft().prompt(prompt).steps(2).seed(1L), model.info());
            try (Generation generation = pipeline.begin(spec, 0)) {
                Golden.draw(pipeline, List.of(generation));
                return pipeline.finish(generation).rgb();
            }
        }
    }
}
