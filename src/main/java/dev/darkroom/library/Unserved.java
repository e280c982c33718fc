package dev.darkroom.library;

import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Why something in the models directory is not a model that is served, and what can be done about it. */
final class Unserved {
    private static final String INDEX = "model_index.json";
    private static final Pattern PART = Pattern.compile(".*\\.(part|incomplete|crdownload|download|aria2|tmp)");
    private static final Pattern PICKLE = Pattern.compile(".*\\.(ckpt|pt|pth|bin)");
    private static final Pattern OTHER_FORMAT = Pattern.compile(".*\\.(gguf|onnx|msgpack|h5|engine)");
    private static final Pattern PACKED = Pattern.compile(".*\\.(zip|tar|tgz|gz|zst|7z|rar|xz)");

    /** What a file of weights is by the names of its tensors; the first that is found in one. */
    private record Kind(Pattern tensor, String what) {
        Kind(String tensor, String what) {
            this(Pattern.compile(tensor), what);
        }
    }

    private static final List<Kind> KINDS = List.of(
            new Kind(
                    "^model\\.diffusion_model\\.",
                    "a single-file checkpoint; convert it to a diffusers folder (in Python:"
                            + " StableDiffusionPipeline.from_single_file(file).save_pretrained(folder))"),
            new Kind(
                    "^(control_model|input_hint_block|zero_convs|controlnet_cond_embedding)\\.",
                    "a ControlNet, not a model"),
            new Kind("\\.(lora_down|lora_up|lora_A|lora_B|hada_w1_a|lokr_w1|oft_diag)\\b", "LoRA weights, not a model"),
            new Kind("^(image_proj|ip_adapter)\\.", "an IP-Adapter, not a model"),
            new Kind("motion_modules\\.", "a motion module, not a model"),
            new Kind(
                    "^(double_blocks|joint_blocks|transformer_blocks)\\.",
                    "a diffusion transformer, which Darkroom does not read"),
            new Kind("^(first_stage_model\\.|vae\\.)?(decoder|encoder)\\.", "a VAE alone, not a model"),
            new Kind("^(down_blocks|input_blocks)\\.", "a U-Net alone, not a model"),
            new Kind("^(text_model|text_encoders?)\\b", "a text encoder alone, not a model"),
            new Kind("^(emb_params|clip_l|clip_g|<.*>)$", "a textual inversion, not a model"));

    private Unserved() {}

    /** @param child a file or folder that has no {@code model_index.json} */
    static String reason(Path child) {
        if (!Files.exists(child)) {
            return Files.isSymbolicLink(child) ? "a link that leads nowhere" : "it is gone, or may not be read";
        }
        String name = child.getFileName().toString();
        try {
            return Files.isDirectory(child) ? folder(child, name) : file(child, name);
        } catch (IOException | UncheckedIOException e) {
            return "it cannot be read: " + e.getMessage();
        }
    }

    private static String folder(Path folder, String name) throws IOException {
        if (name.startsWith(".download-")) {
            return "a download that has not ended; the next one of this model goes on with it";
        }
        List<Path> children = children(folder);
        if (Files.isDirectory(folder.resolve("snapshots"))) {
            return "the cache of huggingface_hub; move or link its folder snapshots/REVISION here";
        }
        List<String> models = children.stream()
                .filter(child -> Files.exists(child.resolve(INDEX)))
                .map(child -> name + "/" + child.getFileName())
                .sorted()
                .toList();
        if (!models.isEmpty()) {
            return "it holds folders of models (" + String.join(", ", models) + "); move or link them one level up";
        }
        if (Files.isDirectory(folder.resolve("unet")) || Files.isDirectory(folder.resolve("vae"))) {
            return "a diffusers folder without its " + INDEX + "; download that too";
        }
        if (Files.exists(folder.resolve("pytorch_lora_weights.safetensors"))
                || Files.exists(folder.resolve("adapter_config.json"))) {
            return "LoRA weights, not a model";
        }
        if (Files.exists(folder.resolve("config.json"))) {
            return "one component, not a diffusers folder: it has no " + INDEX;
        }
        if (children.isEmpty()) {
            return "an empty folder";
        }
        return "not a diffusers folder: it has no " + INDEX;
    }

    private static List<Path> children(Path folder) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.sorted().toList();
        }
    }

    private static String file(Path file, String name) {
        if (PART.matcher(name).matches()) {
            return "a download that has not ended";
        }
        if (name.endsWith(".safetensors")) {
            return weights(file);
        }
        if (PICKLE.matcher(name).matches()) {
            return "pickled weights; convert the checkpoint to a diffusers folder with safetensors";
        }
        if (OTHER_FORMAT.matcher(name).matches()) {
            return "weights in another format; Darkroom reads diffusers folders with safetensors";
        }
        if (PACKED.matcher(name).matches()) {
            return "an archive; unpack it";
        }
        return "a file, where a model is a diffusers folder";
    }

    private static String weights(Path file) {
        try (Weights weights = Weights.open(file)) {
            SortedSet<String> names = weights.names();
            return KINDS.stream()
                    .filter(kind -> names.stream()
                            .anyMatch(tensor -> kind.tensor.matcher(tensor).find()))
                    .map(Kind::what)
                    .findFirst()
                    .orElse("a single file, where a model is a diffusers folder");
        } catch (InvalidCheckpoint e) {
            return "expected " + e.expected() + ", found " + e.found();
        }
    }
}
