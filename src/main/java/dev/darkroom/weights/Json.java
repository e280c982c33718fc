package dev.darkroom.weights;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a checkpoint's JSON: UTF-8, one object, no key twice, nothing behind it. As Python's {@code json} writes it, so
 * {@code NaN}, {@code Infinity} and {@code -Infinity} are numbers: diffusers saves {@code "lambda_min_clipped": -Infinity}. A byte
 * order mark, which Windows' editors put in front, is skipped.
 */
public final class Json {

    /** Bounds what a text can take as a tree; the largest tokenizers have half as many. */
    private static final long MAX_TOKENS = 500_000;

    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /**
     * Reads a JSON file.
     *
     * @throws InvalidCheckpoint if it is missing, malformed or not an object
     * @throws UncheckedIOException if it cannot be read
     */
    public static ObjectNode read(Path file) {
        return parse(file, TextFile.read(file, "a JSON file"));
    }

    /** @param file where the text comes from, for the error */
    static ObjectNode parse(Path file, String text) {
        try {
            JsonNode node = MAPPER.readTree(text.startsWith("\ufeff") ? text.substring(1) : text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw InvalidCheckpoint.ofFile(file, "a JSON object", kind(node));
        } catch (JacksonException e) {
            TokenStreamLocation at = e.getLocation(); // none when a bound is exceeded
            InvalidCheckpoint invalid = InvalidCheckpoint.ofFile(
                    file,
                    "well-formed JSON",
                    e.getOriginalMessage()
                            + (at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr()));
            invalid.initCause(e);
            throw invalid;
        }
    }

    /** What a node is, for an error message: scalars and arrays as they are written, the rest by kind. */
    public static String kind(JsonNode node) {
        if (node.isMissingNode()) {
            return "nothing";
        }
        return node.isObject() ? "an object" : node.toString();
    }
}
