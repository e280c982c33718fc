package dev.darkroom.weights;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint that cannot be used as it is: says which file, which key in it, what was expected and what was found, for
 * example {@code unet/diffusion_pytorch_model.safetensors: tensor "conv_in.weight": expected shape [96, 4, 3, 3], found
 * [96, 8, 3, 3]}.
 */
public final class InvalidCheckpoint extends RuntimeException {

    private static final long serialVersionUID = 1L;
    private static final int MAX_LENGTH = 1000;

    private final String file;
    private final @Nullable String key;
    private final String expected;
    private final String found;

    private InvalidCheckpoint(Path file, @Nullable String key, String what, String expected, String found) {
        super(file + ": " + (key == null ? "" : what + "\"" + shown(key) + "\": ") + "expected " + shown(expected)
                + ", found " + shown(found));
        this.file = file.toString();
        this.key = key;
        this.expected = shown(expected);
        this.found = shown(found);
    }

    /** Files say what they like; a line of a log should stay one. */
    private static String shown(String text) {
        String start = text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "…";
        return start.replaceAll("\\p{Cntrl}", "\ufffd");
    }

    /** The file as a whole is wrong. */
    public static InvalidCheckpoint ofFile(Path file, String expected, String found) {
        return new InvalidCheckpoint(file, null, "", expected, found);
    }

    /** A key of a JSON file is wrong or missing. */
    public static InvalidCheckpoint ofKey(Path file, String key, String expected, String found) {
        return new InvalidCheckpoint(file, key, "", expected, found);
    }

    /** A tensor of a safetensors file is wrong or missing. */
    public static InvalidCheckpoint ofTensor(Path file, String tensor, String expected, String found) {
        return new InvalidCheckpoint(file, tensor, "tensor ", expected, found);
    }

    public Path file() {
        return Path.of(file);
    }

    /** The JSON key or tensor name; empty where the file as a whole is wrong. */
    public Optional<String> key() {
        return Optional.ofNullable(key);
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
