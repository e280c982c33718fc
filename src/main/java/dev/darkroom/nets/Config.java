package dev.darkroom.nets;

import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A component's {@code config.json}, read option by option. {@link #done} refuses every option that nobody asked for,
 * unless it is switched off ({@code null} or {@code false}, or a list of these): what Darkroom does not know, it does not
 * guess.
 */
final class Config {
    // Far more than any network has; sizes computed from these fit their types.
    private static final int MAX_INTEGER = 1 << 20;
    private static final int MAX_BLOCKS = 16;
    private static final int MAX_PER_BLOCK = 4096;

    private final Path file;
    private final JsonNode json;
    private final Set<String> known = new HashSet<>();

    Config(DiffusersFolder.Component component) {
        this.file = component.configFile();
        this.json = component.config();
    }

    boolean has(String key) {
        return find(key) != null;
    }

    /** Whether the option is there and says {@code null}. */
    boolean isNull(String key) {
        known.add(key);
        return json.has(key) && json.get(key).isNull();
    }

    private @Nullable JsonNode find(String key) {
        known.add(key);
        JsonNode value = json.get(key);
        return value == null || value.isNull() ? null : value;
    }

    private InvalidCheckpoint wrong(String key, String expected, @Nullable JsonNode found) {
        return InvalidCheckpoint.ofKey(file, key, expected, found == null ? "nothing" : found.toString());
    }

    int integer(String key) {
        JsonNode value = find(key);
        if (value == null || !isInteger(value, 1, MAX_INTEGER)) {
            throw wrong(key, "a positive integer", value);
        }
        return value.intValue();
    }

    private static boolean isInteger(JsonNode value, int least, int most) {
        return value.isIntegralNumber()
                && value.canConvertToInt()
                && value.intValue() >= least
                && value.intValue() <= most;
    }

    private static boolean isNumber(JsonNode value) {
        return value.isNumber() && Double.isFinite(value.doubleValue());
    }

    int integer(String key, int otherwise) {
        return find(key) == null ? otherwise : integer(key);
    }

    /** A positive integer, or a list that says the same one again and again. */
    int same(String key, int otherwise) {
        JsonNode value = find(key);
        if (value == null || !value.isArray()) {
            return integer(key, otherwise);
        }
        int[] numbers = integers(key);
        if (Arrays.stream(numbers).distinct().count() != 1) {
            throw wrong(key, "the same integer everywhere", value);
        }
        return numbers[0];
    }

    double number(String key, double otherwise) {
        JsonNode value = find(key);
        if (value != null && !isNumber(value)) {
            throw wrong(key, "a number", value);
        }
        return value == null ? otherwise : value.doubleValue();
    }

    double positive(String key, double otherwise) {
        double number = number(key, otherwise);
        if (number <= 0) {
            throw wrong(key, "a positive number", find(key));
        }
        return number;
    }

    /** A list of {@code n} numbers. */
    double[] numbers(String key, int n) {
        JsonNode value = find(key);
        if (value == null
                || !value.isArray()
                || value.size() != n
                || !value.valueStream().allMatch(Config::isNumber)) {
            throw wrong(key, "a list of " + n + " numbers", value);
        }
        return value.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    boolean flag(String key, boolean otherwise) {
        JsonNode value = find(key);
        if (value != null && !value.isBoolean()) {
            throw wrong(key, "true or false", value);
        }
        return value == null ? otherwise : value.booleanValue();
    }

    /** One of the words Darkroom knows. */
    String oneOf(String key, String otherwise, String... words) {
        JsonNode value = find(key);
        String word = value == null ? otherwise : value.isString() ? value.stringValue() : value.toString();
        if (!Arrays.asList(words).contains(word)) {
            throw wrong(key, "one of " + String.join(", ", words), value);
        }
        return word;
    }

    /** A list of positive integers. */
    int[] integers(String key) {
        JsonNode value = find(key);
        if (value == null || !value.isArray() || value.isEmpty() || value.size() > MAX_BLOCKS) {
            throw wrong(key, "a list of positive integers", value);
        }
        int[] numbers = new int[value.size()];
        for (int i = 0; i < numbers.length; i++) {
            JsonNode item = value.get(i);
            if (!isInteger(item, 1, MAX_INTEGER)) {
                throw wrong(key + "[" + i + "]", "a positive integer", item);
            }
            numbers[i] = item.intValue();
        }
        return numbers;
    }

    /** A list of {@code n} positive integers, or one that holds for all. */
    int[] perBlock(String key, int otherwise, int n) {
        JsonNode value = find(key);
        int[] numbers = new int[n];
        if (value != null && value.isArray()) {
            numbers = integers(key);
            if (numbers.length != n) {
                throw wrong(key, n + " integers, one per block", value);
            }
        } else {
            Arrays.fill(numbers, integer(key, otherwise));
        }
        if (Arrays.stream(numbers).anyMatch(number -> number > MAX_PER_BLOCK)) {
            throw wrong(key, "integers of at most " + MAX_PER_BLOCK, value);
        }
        return numbers;
    }

    /**
     * A number for every layer of every block: one for all, or a list with one for each block, which may again be a list
     * with one for each of the block's layers.
     *
     * @param layers how many each block has
     */
    int[][] perLayer(String key, int otherwise, int[] layers) {
        return perLayer(key, otherwise, layers, false);
    }

    /** {@link #perLayer} where the list begins with the last block. */
    int[][] perLayerFromTheEnd(String key, int otherwise, int[] layers) {
        return perLayer(key, otherwise, layers, true);
    }

    private int[][] perLayer(String key, int otherwise, int[] layers, boolean fromTheEnd) {
        JsonNode value = find(key);
        int n = layers.length;
        if (value != null && value.isArray() && value.size() != n) {
            throw wrong(key, "a list of " + n + ", one entry per block", value);
        }
        int[][] numbers = new int[n][];
        for (int i = 0; i < n; i++) {
            JsonNode block = value != null && value.isArray() ? value.get(fromTheEnd ? n - 1 - i : i) : value;
            if (block != null && block.isArray() && block.size() != layers[i]) {
                throw wrong(key, layers[i] + " integers, one per layer of the block", block);
            }
            numbers[i] = new int[layers[i]];
            for (int j = 0; j < layers[i]; j++) {
                JsonNode layer = block != null && block.isArray() ? block.get(j) : block;
                if (layer != null && !isInteger(layer, 0, MAX_PER_BLOCK)) {
                    throw wrong(key, "integers of 0 or more", layer);
                }
                numbers[i][j] = layer == null ? otherwise : layer.intValue();
            }
        }
        return numbers;
    }

    /**
     * How many parts of equal size stand behind a first part in a sum.
     *
     * @param first size of the first part, 0 if there is none, which is wrong
     * @param what says what the first part is
     */
    int parts(String key, int first, String what, int size, int least, int most) {
        int sum = integer(key);
        int parts = (sum - first) / size;
        if (first == 0 || parts * size != sum - first || parts < least || parts > most) {
            throw wrong(
                    key,
                    what + " (" + (first == 0 ? "there is none" : Integer.toString(first)) + ") + " + least + " or "
                            + most + " × " + size,
                    find(key));
        }
        return parts;
    }

    /** A list of {@code n} of the words Darkroom knows. */
    List<String> words(String key, int n, String... words) {
        JsonNode value = find(key);
        if (value == null || !value.isArray() || value.size() != n) {
            throw wrong(key, "a list of " + n + " block types, one per entry of block_out_channels", value);
        }
        List<String> found = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            JsonNode item = value.get(i);
            if (!item.isString() || !Arrays.asList(words).contains(item.stringValue())) {
                throw wrong(key + "[" + i + "]", "one of " + String.join(", ", words), item);
            }
            found.add(item.stringValue());
        }
        return found;
    }

    /** An option of which Darkroom supports only one value. */
    void only(String key, double supported) {
        JsonNode value = find(key);
        if (value != null && !(isNumber(value) && value.doubleValue() == supported)) {
            throw wrong(key, Double.toString(supported), value);
        }
    }

    /** Options that do not change what the network computes at inference. */
    void ignore(String... keys) {
        known.addAll(Arrays.asList(keys));
    }

    /** @throws InvalidCheckpoint naming the first option that is set and was not asked for */
    void done() {
        for (var property : json.properties()) {
            JsonNode value = property.getValue();
            if (!property.getKey().startsWith("_") && !isOff(value) && !known.contains(property.getKey())) {
                throw wrong(property.getKey(), "no such option, or null (Darkroom does not support it)", value);
            }
        }
    }

    private static boolean isOff(JsonNode value) {
        return value.isNull()
                || value.isBoolean() && !value.booleanValue()
                || value.isArray() && value.valueStream().allMatch(Config::isOff);
    }
}
