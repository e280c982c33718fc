package dev.darkroom.trainer;

import dev.darkroom.weights.DType;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Writes the diffusers folder of a run, file by file. */
final class ModelWriter {
    private static final List<String> CONFIGS = List.of(
            "model_index.json",
            "text_encoder/config.json",
            "unet/config.json",
            "vae/config.json",
            "scheduler/scheduler_config.json");

    private ModelWriter() {}

    /**
     * Writes the configs and the tokenizer.
     *
     * @param form the resource folder the configs come from; the vocabulary's size is filled in
     */
    static void writeConfigs(Path folder, String form, Dataset dataset) throws IOException {
        int positions = JsonMapper.shared()
                .readTree(Resources.text(form + "/text_encoder/config.json"))
                .path("max_position_embeddings")
                .asInt();
        int vocabulary = dataset.writeTokenizer(folder.resolve("tokenizer"), positions);
        for (String name : CONFIGS) {
            String text =
                    Resources.text(form + "/" + name).replace("\"vocab_size\": 0", "\"vocab_size\": " + vocabulary);
            AtomicFiles.write(folder.resolve(name), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** Writes the weights whose names begin with {@code prefix}, without it, in half precision. */
    static void write(Path file, String prefix, Map<String, Tensor> weights) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        weights.forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                writer.add(name.substring(prefix.length()), tensor, DType.F16);
            }
        });
        Files.createDirectories(file.toAbsolutePath().getParent());
        writer.write(file);
    }
}
