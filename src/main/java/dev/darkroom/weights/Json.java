package dev.darkroom.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads a checkpoint's JSON strictly: UTF-8, one object, no key twice, nothing behind it. */
public final class Json {

    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
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
        if (!Files.isRegularFile(file)) {
            throw InvalidCheckpoint.ofFile(file, "a JSON file", "no such file");
        }
        try {
            return parse(file, ByteBuffer.wrap(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }

    /** @param file where the text comes from, for the error */
    static ObjectNode parse(Path file, ByteBuffer utf8) {
        try {
            JsonNode node = MAPPER.readTree(
                    StandardCharsets.UTF_8.newDecoder().decode(utf8).toString());
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw InvalidCheckpoint.ofFile(file, "a JSON object", kind(node));
        } catch (CharacterCodingException e) {
            throw because(e, InvalidCheckpoint.ofFile(file, "JSON in UTF-8", "bytes that are not UTF-8"));
        } catch (JacksonException e) {
            throw because(
                    e,
                    InvalidCheckpoint.ofFile(
                            file,
                            "well-formed JSON",
                            e.getOriginalMessage() + " at line "
                                    + e.getLocation().getLineNr() + ", column "
                                    + e.getLocation().getColumnNr()));
        }
    }

    /** What a node is, for an error message: scalars and arrays as they are written, the rest by kind. */
    public static String kind(JsonNode node) {
        if (node.isMissingNode()) {
            return "nothing";
        }
        return node.isObject() ? "an object" : node.toString();
    }

    private static InvalidCheckpoint because(Exception cause, InvalidCheckpoint e) {
        e.initCause(cause);
        return e;
    }
}
