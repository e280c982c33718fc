package dev.darkroom.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A checkpoint in the diffusers layout: {@code model_index.json} and a folder for each component it names. */
public final class DiffusersFolder {

    private static final List<String> TOKENIZERS = List.of("CLIPTokenizer", "CLIPTokenizerFast");

    /** Classes we can build, by component; an empty list leaves the choice to whoever reads the component. */
    private static final Map<String, List<String>> CLASSES = Map.of(
            "text_encoder", List.of("CLIPTextModel"),
            "text_encoder_2", List.of("CLIPTextModelWithProjection"),
            "tokenizer", TOKENIZERS,
            "tokenizer_2", TOKENIZERS,
            "unet", List.of("UNet2DConditionModel"),
            "vae", List.of("AutoencoderKL", "AutoencoderTiny"),
            "scheduler", List.of());

    /** Components that text to image can do without. */
    private static final Set<String> IGNORED = Set.of(
            "adapter",
            "caption_generator",
            "caption_processor",
            "controlnet",
            "feature_extractor",
            "image_encoder",
            "inverse_scheduler",
            "safety_checker");

    /** Variants of weight files in the order of preference; others come after them, by name. */
    private static final List<String> VARIANTS = List.of("", "fp32", "fp16", "bf16");

    /** Darkroom's own defaults for requests; diffusers ignores it. */
    public static final String DEFAULTS = "darkroom.json";

    private static final Pattern SHARD = Pattern.compile(".*-\\d{5}-of-\\d{5}(\\.\\w+)?\\.safetensors");
    private static final Pattern PART = Pattern.compile(".*\\.(part|incomplete|crdownload|download|aria2|tmp)");
    private static final Pattern PICKLE = Pattern.compile(".*\\.(bin|ckpt|pt|pth)");
    private static final Pattern OTHER_FORMAT = Pattern.compile(".*\\.(msgpack|onnx|onnx_data|h5|xml|gguf)");
    private static final Pattern SAFETENSORS = Pattern.compile(".*\\.safetensors");

    private static final List<String> TOKENIZER_FILES = List.of(
            "vocab.json",
            "merges.txt",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json");

    /**
     * A part of the pipeline.
     *
     * @param name for example {@code unet}
     * @param library the Python library the class is of, {@code diffusers} or {@code transformers}
     * @param className the class, for example {@code UNet2DConditionModel}
     * @param config its {@code config.json} ({@code scheduler_config.json} for the scheduler); an empty object for the
     *     tokenizer, which has none
     * @param folder where its files are
     */
    public record Component(String name, String library, String className, JsonNode config, Path folder) {

        /** The file {@link #config} was read from, for errors about its values. */
        public Path configFile() {
            return configFile(folder, name);
        }

        private static Path configFile(Path folder, String name) {
            return folder.resolve(name.equals("scheduler") ? "scheduler_config.json" : "config.json");
        }

        /**
         * Opens the weights, a file or shards. Where a folder has several variants, the one without a name, which is the
         * full-precision one, goes before fp32, fp16, bf16 and all others.
         *
         * @throws InvalidCheckpoint if there is no safetensors file, or it is not valid
         */
        public Weights weights() {
            List<String> files = files();
            String file = weightsFile(library, files).orElseThrow(() -> noWeights(library, folder, files));
            return Weights.open(folder.resolve(file));
        }

        private List<String> files() {
            if (!Files.isDirectory(folder)) {
                return List.of();
            }
            try (Stream<Path> files = Files.list(folder)) {
                return files.map(file -> String.valueOf(file.getFileName()))
                        .sorted()
                        .toList();
            } catch (IOException e) {
                throw new UncheckedIOException(folder + ": " + e, e);
            }
        }
    }

    /** The file or index of a component's weights that is read, of the files that there are. */
    private static Optional<String> weightsFile(String library, List<String> files) {
        return variants(library, files).entrySet().stream()
                .min(Comparator.comparingInt(variant -> rank(variant.getKey())))
                .map(Map.Entry::getValue);
    }

    private static int rank(String variant) {
        int rank = VARIANTS.indexOf(variant);
        return rank < 0 ? VARIANTS.size() : rank;
    }

    /** The files and indexes of shards, by variant; a file goes before an index. */
    private static SortedMap<String, String> variants(String library, List<String> files) {
        Pattern name = Pattern.compile(Pattern.quote(baseName(library)) + "(?:\\.(?<variant>\\w+))?\\.safetensors"
                + "(?<index>\\.index(?:\\.(?<variant2>\\w+))?\\.json)?");
        SortedMap<String, String> variants = new TreeMap<>();
        for (String file : files) {
            Matcher matcher = name.matcher(file);
            if (matcher.matches()) {
                String variant = matcher.group(matcher.group("variant2") == null ? "variant" : "variant2");
                if (matcher.group("index") == null) {
                    variants.put(variant == null ? "" : variant, file);
                } else {
                    variants.putIfAbsent(variant == null ? "" : variant, file);
                }
            }
        }
        return variants;
    }

    private static String baseName(String library) {
        return library.equals("transformers") ? "model" : "diffusion_pytorch_model";
    }

    private static InvalidCheckpoint noWeights(String library, Path folder, List<String> files) {
        String name = baseName(library) + ".safetensors";
        String found = first(files, SHARD)
                .map(file -> "shards, such as " + file + ", without their index " + name + ".index.json")
                .or(() -> first(files, PART).map(file -> "only " + file + ", a download that has not ended"))
                .or(() -> first(files, PICKLE).map(file -> "only " + file + "; convert the checkpoint to safetensors"))
                .or(() -> first(files, OTHER_FORMAT)
                        .map(file -> "only " + file + ", which is not for PyTorch; get the safetensors file"))
                .or(() -> first(files, SAFETENSORS).map(file -> "only " + file + ", which has another name"))
                .orElse("no such file");
        return InvalidCheckpoint.ofFile(folder.resolve(name), "a safetensors file", found);
    }

    private static Optional<String> first(List<String> files, Pattern name) {
        return files.stream().filter(name.asMatchPredicate()).findFirst();
    }

    /** A line of {@code model_index.json}. */
    private record Line(String library, String className) {}

    private final Path path;
    private final String className;
    private final Family family;
    private final JsonNode index;
    private final Map<String, Line> components;

    private DiffusersFolder(Path path, String className, Family family, JsonNode index, Map<String, Line> components) {
        this.path = path;
        this.className = className;
        this.family = family;
        this.index = index;
        this.components = components;
    }

    /**
     * Reads and checks {@code model_index.json}; the components' own files are not looked at yet.
     *
     * @throws InvalidCheckpoint if it is missing, is malformed, or names a pipeline or component class we cannot build
     */
    public static DiffusersFolder open(Path path) {
        Path file = path.resolve("model_index.json");
        ObjectNode index = Json.read(file);
        JsonNode className = index.path("_class_name");
        Family family = Family.of(className.asString(""))
                .orElseThrow(() -> InvalidCheckpoint.ofKey(
                        file,
                        "_class_name",
                        String.join(" or ", Family.pipelines()) + ", or one with the same networks",
                        Json.kind(className)));
        Map<String, Line> components = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> property : index.properties()) {
            // Scalars are the pipeline's own options, such as requires_safety_checker.
            boolean component = property.getValue().isContainer();
            if (component && !property.getKey().startsWith("_") && !IGNORED.contains(property.getKey())) {
                readLine(file, property.getKey(), property.getValue(), components);
            }
        }
        return new DiffusersFolder(path, className.stringValue(), family, index, components);
    }

    private static void readLine(Path file, String name, JsonNode line, Map<String, Line> into) {
        if (line.size() != 2 || !line.isArray()) {
            throw InvalidCheckpoint.ofKey(file, name, "[library, class]", line.toString());
        }
        JsonNode library = line.get(0);
        JsonNode className = line.get(1);
        if (library.isNull() && className.isNull()) {
            return;
        }
        List<String> supported = CLASSES.get(name);
        if (supported == null) {
            throw InvalidCheckpoint.ofKey(
                    file,
                    name,
                    "one of the components "
                            + String.join(
                                    ", ", CLASSES.keySet().stream().sorted().toList()),
                    line.toString());
        }
        if (!library.isString() || !className.isString()) {
            throw InvalidCheckpoint.ofKey(file, name, "[library, class]", line.toString());
        }
        if (!supported.isEmpty() && !supported.contains(className.stringValue())) {
            throw InvalidCheckpoint.ofKey(file, name, String.join(" or ", supported), className.stringValue());
        }
        into.put(name, new Line(library.stringValue(), className.stringValue()));
    }

    public Path path() {
        return path;
    }

    /** The pipeline's class, for example {@code StableDiffusionPipeline}. */
    public String className() {
        return className;
    }

    public Family family() {
        return family;
    }

    /**
     * An option of the pipeline that is on or off.
     *
     * @throws InvalidCheckpoint if it is neither
     */
    public boolean flag(String key, boolean otherwise) {
        JsonNode value = index.path(key);
        if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
            throw InvalidCheckpoint.ofKey(path.resolve("model_index.json"), key, "true or false", Json.kind(value));
        }
        return value.isBoolean() ? value.booleanValue() : otherwise;
    }

    public boolean has(String name) {
        return components.containsKey(name);
    }

    /**
     * The named component with its configuration.
     *
     * @throws InvalidCheckpoint if the pipeline has no such component, or its configuration is missing or malformed
     */
    public Component component(String name) {
        Line line = components.get(name);
        if (line == null) {
            throw InvalidCheckpoint.ofKey(
                    path.resolve("model_index.json"), name, "the component [library, class]", "none");
        }
        Path folder = path.resolve(name);
        JsonNode config = name.startsWith("tokenizer")
                ? Json.MAPPER.createObjectNode()
                : Json.read(Component.configFile(folder, name));
        return new Component(name, line.library(), line.className(), config, folder);
    }

    /**
     * The files that make up this checkpoint, for whoever puts it together: of everything published with it those that
     * are read here. Shards are among them once their index lies in the folder.
     *
     * @param published paths of all files there are, relative to the checkpoint, with slashes
     * @throws InvalidCheckpoint if a component's configuration or weights are not among them, or an index is malformed
     */
    public SortedSet<String> files(Set<String> published) {
        SortedSet<String> files = new TreeSet<>(List.of("model_index.json"));
        Stream.of(DEFAULTS).filter(published::contains).forEach(files::add);
        components.forEach((name, line) -> {
            Path folder = path.resolve(name);
            if (name.startsWith("tokenizer")) {
                TOKENIZER_FILES.stream()
                        .map(file -> name + "/" + file)
                        .filter(published::contains)
                        .forEach(files::add);
                return;
            }
            Path config = Component.configFile(folder, name);
            if (!published.contains(name + "/" + config.getFileName())) {
                throw InvalidCheckpoint.ofFile(config, "a JSON file", "no such file");
            }
            files.add(name + "/" + config.getFileName());
            if (!name.equals("scheduler")) {
                List<String> there = below(name, published);
                String weights =
                        weightsFile(line.library(), there).orElseThrow(() -> noWeights(line.library(), folder, there));
                files.add(name + "/" + weights);
                if (isShardIndex(weights) && Files.exists(folder.resolve(weights))) {
                    Weights.weightMap(folder.resolve(weights)).values().forEach(shard -> files.add(name + "/" + shard));
                }
            }
        });
        return files;
    }

    private static List<String> below(String folder, Set<String> paths) {
        return paths.stream()
                .filter(file -> file.startsWith(folder + "/"))
                .map(file -> file.substring(folder.length() + 1))
                .sorted()
                .toList();
    }

    /** Whether a path is that of an index, which names the files of the weights. */
    public static boolean isShardIndex(String path) {
        return path.contains(".safetensors.index.");
    }
}
