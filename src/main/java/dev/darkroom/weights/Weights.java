package dev.darkroom.weights;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * The tensors of a checkpoint, looked up by name. {@link #at} steps into a name's parts as into folders:
 * {@code weights.at("down_blocks").at(0).tensor("conv1.weight", 96, 96, 3, 3)}. Read-only, safe for several threads.
 */
public final class Weights implements AutoCloseable {

    private final Path path;
    private final SortedMap<String, SafetensorsFile> files;
    private final String prefix;

    private Weights(Path path, SortedMap<String, SafetensorsFile> files, String prefix) {
        this.path = path;
        this.files = files;
        this.prefix = prefix;
    }

    /**
     * Opens a {@code .safetensors} file, or all files named by a {@code .safetensors.index.json}, and checks their headers
     * completely. No tensor is read yet.
     *
     * @throws InvalidCheckpoint if a file is missing or anything in a header or in the index is wrong
     * @throws java.io.UncheckedIOException if a file cannot be read
     */
    public static Weights open(Path path) {
        SortedMap<String, SafetensorsFile> files = new TreeMap<>();
        if (path.toString().endsWith(".json")) {
            openShards(path, files);
        } else {
            SafetensorsFile file = new SafetensorsFile(path);
            file.names().forEach(name -> files.put(name, file));
            if (files.isEmpty()) {
                file.close();
                throw InvalidCheckpoint.ofFile(path, "tensors", "none");
            }
        }
        return new Weights(path, files, "");
    }

    private static void openShards(Path index, SortedMap<String, SafetensorsFile> files) {
        Map<String, SafetensorsFile> shards = new HashMap<>();
        try {
            for (Map.Entry<String, String> entry : weightMap(index).entrySet()) {
                String name = entry.getKey();
                SafetensorsFile shard = shards.computeIfAbsent(
                        entry.getValue(), fileName -> new SafetensorsFile(index.resolveSibling(fileName)));
                if (!shard.has(name)) {
                    throw InvalidCheckpoint.ofTensor(
                            index, name, "the tensor in \"" + entry.getValue() + "\"", "no tensor of that name there");
                }
                files.put(name, shard);
            }
        } catch (RuntimeException e) {
            shards.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    /** Names of tensors and the file of each, which lies beside the index. */
    static Map<String, String> weightMap(Path index) {
        JsonNode weightMap = Json.read(index).path("weight_map");
        if (!weightMap.isObject() || weightMap.isEmpty()) {
            throw InvalidCheckpoint.ofKey(
                    index, "weight_map", "an object of tensor names and file names", Json.kind(weightMap));
        }
        Map<String, String> files = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> property : weightMap.properties()) {
            JsonNode file = property.getValue();
            if (!file.isString() || !isPlainName(file.stringValue())) {
                throw InvalidCheckpoint.ofTensor(
                        index, property.getKey(), "a file name in the index's folder", Json.kind(file));
            }
            files.put(property.getKey(), file.stringValue());
        }
        return files;
    }

    private static boolean isPlainName(String fileName) {
        return fileName.matches("[^/\\\\:\\p{Cntrl}]+\\.safetensors");
    }

    /**
     * The tensors whose names begin with {@code name} and a dot, without that beginning. Shares the open files: closing
     * either closes both.
     */
    public Weights at(String name) {
        return new Weights(path, files, prefix + name + ".");
    }

    /** {@link #at(String)} for the numbered parts of lists. */
    public Weights at(int index) {
        return at(String.valueOf(index));
    }

    public boolean has(String name) {
        return files.containsKey(prefix + name);
    }

    /**
     * The named tensor, which must have this shape.
     *
     * @throws InvalidCheckpoint if it is missing, has another shape, or is not of a {@link DType}
     */
    public Tensor tensor(String name, long... shape) {
        SafetensorsFile file = files.get(prefix + name);
        if (file == null) {
            throw missing(name, "shape " + Arrays.toString(shape));
        }
        Tensor tensor = file.tensor(prefix + name);
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw InvalidCheckpoint.ofTensor(
                    path, prefix + name, "shape " + Arrays.toString(shape), Arrays.toString(tensor.shape()));
        }
        return tensor;
    }

    /**
     * The named tensor, of whatever shape it has.
     *
     * @throws InvalidCheckpoint if it is missing or is not of a {@link DType}
     */
    public Tensor tensor(String name) {
        SafetensorsFile file = files.get(prefix + name);
        if (file == null) {
            throw missing(name, "the tensor");
        }
        return file.tensor(prefix + name);
    }

    private InvalidCheckpoint missing(String name, String expected) {
        return InvalidCheckpoint.ofTensor(path, prefix + name, expected, "no tensor of that name");
    }

    /** Names of all tensors here, those of types that cannot be read included. */
    public SortedSet<String> names() {
        SortedSet<String> names = new TreeSet<>();
        here().keySet().forEach(name -> names.add(name.substring(prefix.length())));
        return names;
    }

    /** Number of elements of all tensors here that are of a {@link DType}; position ids and the like do not count. */
    public long parameters() {
        return here().entrySet().stream()
                .filter(entry -> entry.getValue().readable(entry.getKey()))
                .mapToLong(entry -> entry.getValue().numel(entry.getKey()))
                .sum();
    }

    private SortedMap<String, SafetensorsFile> here() {
        // A prefix ends in '.', and '/' is the character after it.
        return prefix.isEmpty() ? files : files.subMap(prefix, prefix.substring(0, prefix.length() - 1) + '/');
    }

    /** The file or index that was opened. */
    public Path path() {
        return path;
    }

    @Override
    public void close() {
        new HashSet<>(files.values()).forEach(SafetensorsFile::close);
    }
}
