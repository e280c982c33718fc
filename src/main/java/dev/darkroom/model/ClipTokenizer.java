package dev.darkroom.model;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.Json;
import dev.darkroom.weights.TextFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * CLIP's byte-level byte-pair encoding (Radford et al. 2021, section 2.4), from a diffusers {@code tokenizer} folder. The
 * ids are those of transformers' {@code CLIPTokenizerFast} (4.57.6, {@code convert_slow_tokenizer.py}, CLIPConverter).
 * Its slower {@code CLIPTokenizer} differs where it first repairs the text: with Python's ftfy installed it straightens
 * curly quotes and replaces HTML entities, ligatures and full-width letters, without ftfy it sets Chinese characters apart.
 * Safe for several threads.
 */
public final class ClipTokenizer implements AutoCloseable {

    private static final int DEFAULT_MAX_LENGTH = 77;
    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final String SPLIT = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final HuggingFaceTokenizer tokenizer;
    private final int maxLength;
    private final long vocabSize;
    private final long bos;
    private final long eos;
    private final long pad;

    private ClipTokenizer(HuggingFaceTokenizer tokenizer, int maxLength, long vocabSize, long bos, long eos, long pad) {
        this.tokenizer = tokenizer;
        this.maxLength = maxLength;
        this.vocabSize = vocabSize;
        this.bos = bos;
        this.eos = eos;
        this.pad = pad;
    }

    /**
     * Reads {@code vocab.json} and {@code merges.txt}, or where these are missing the same from {@code tokenizer.json}; and
     * {@code tokenizer_config.json} and {@code special_tokens_map.json} where they exist.
     *
     * @throws InvalidCheckpoint if a file is missing or wrong
     */
    public static ClipTokenizer open(Path folder) {
        Vocabulary vocabulary = Vocabulary.read(folder);
        Path configFile = folder.resolve("tokenizer_config.json");
        ObjectNode config = readIfExists(configFile);
        ObjectNode specials = specialTokens(folder, config);

        String bosToken = content(specials, "bos_token", "<|startoftext|>");
        String eosToken = content(specials, "eos_token", END_OF_TEXT);
        String padToken = content(specials, "pad_token", END_OF_TEXT);
        String unkToken = content(specials, "unk_token", END_OF_TEXT);
        Set<String> special = new LinkedHashSet<>(List.of(bosToken, eosToken, padToken, unkToken));

        JsonNode maxLength = config.path("model_max_length");
        if (maxLength.isMissingNode()) {
            maxLength = JSON.numberNode(DEFAULT_MAX_LENGTH);
        }
        if (!maxLength.isIntegralNumber() || !maxLength.canConvertToInt() || maxLength.intValue() < 3) {
            throw InvalidCheckpoint.ofKey(
                    configFile, "model_max_length", "an integer of 3 or more", Json.kind(maxLength));
        }
        return new ClipTokenizer(
                load(vocabulary.definition(special, unkToken)),
                maxLength.intValue(),
                vocabulary.size(),
                vocabulary.id(bosToken),
                vocabulary.id(eosToken),
                vocabulary.id(padToken));
    }

    private static HuggingFaceTokenizer load(ObjectNode definition) {
        byte[] json = definition.toString().getBytes(StandardCharsets.UTF_8);
        try {
            // Special tokens, truncation and padding are ours: the same few lines for every definition.
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(json),
                    Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException("the tokenizer's native library cannot be loaded: " + e.getMessage(), e);
        }
    }

    /**
     * {@code special_tokens_map.json} speaks before {@code tokenizer_config.json}, unless the latter is of the newer kind
     * that lists the tokens itself: so transformers reads them, and Stable Diffusion 2's padding with "!" depends on it.
     */
    private static ObjectNode specialTokens(Path folder, ObjectNode config) {
        ObjectNode specials = config.deepCopy();
        if (!config.has("added_tokens_decoder")) {
            specials.setAll(readIfExists(folder.resolve("special_tokens_map.json")));
        }
        return specials;
    }

    private static ObjectNode readIfExists(Path file) {
        return Files.exists(file) ? Json.read(file) : JSON.objectNode();
    }

    /** A token is written as its text or as an object with it. */
    private static String content(ObjectNode specials, String key, String otherwise) {
        JsonNode token = specials.path(key);
        return (token.isObject() ? token.path("content") : token).asString(otherwise);
    }

    /**
     * Beginning token, the text's tokens as far as they fit, end token, padding.
     *
     * @return exactly {@link #maxLength()} ids
     */
    public long[] encode(String text) {
        long[] ids = ids(text);
        return ids.length <= capacity() ? wrap(ids) : wrap(Arrays.copyOf(ids, capacity()));
    }

    /** The text's tokens, all of them, without beginning and end. */
    public long[] ids(String text) {
        return tokenizer.encode(text, false, false).getIds();
    }

    /**
     * Beginning token, these tokens, end token, padding.
     *
     * @param ids at most {@link #capacity()}
     * @return exactly {@link #maxLength()} ids
     */
    public long[] wrap(long[] ids) {
        if (ids.length > capacity()) {
            throw new IllegalArgumentException(ids.length + " tokens, of which at most " + capacity() + " fit");
        }
        long[] padded = new long[maxLength];
        Arrays.fill(padded, pad);
        padded[0] = bos;
        System.arraycopy(ids, 0, padded, 1, ids.length);
        padded[ids.length + 1] = eos;
        return padded;
    }

    /** How many of a text's tokens fit between beginning and end, 75 for CLIP. */
    public int capacity() {
        return maxLength - 2;
    }

    /** Length of every encoded text, 77 for CLIP. */
    public int maxLength() {
        return maxLength;
    }

    /** One more than the largest id: what the text encoder's embedding must have. */
    public long vocabSize() {
        return vocabSize;
    }

    @Override
    public void close() {
        tokenizer.close();
    }

    /**
     * The tokens and the merges that make them.
     *
     * @param file where the tokens were read, for errors
     * @param ids token to id
     * @param merges two tokens with a space between, most frequent first
     */
    private record Vocabulary(Path file, ObjectNode ids, ArrayNode merges) {

        static Vocabulary read(Path folder) {
            Path vocabFile = folder.resolve("vocab.json");
            Path mergesFile = folder.resolve("merges.txt");
            Path tokenizerFile = folder.resolve("tokenizer.json");
            if (!Files.exists(vocabFile) && !Files.exists(mergesFile) && Files.exists(tokenizerFile)) {
                return ofDefinition(tokenizerFile);
            }
            Vocabulary vocabulary = new Vocabulary(vocabFile, Json.read(vocabFile), JSON.arrayNode());
            vocabulary.checkIds();
            Iterator<String> lines =
                    TextFile.read(mergesFile, "a list of merges").lines().iterator();
            String first = lines.hasNext() ? lines.next() : "none";
            if (!first.contains("#version")) {
                throw InvalidCheckpoint.ofFile(mergesFile, "a first line with #version", first);
            }
            lines.forEachRemaining(line -> {
                if (!line.isBlank()) {
                    vocabulary.addMerge(mergesFile, line);
                }
            });
            return vocabulary;
        }

        private static Vocabulary ofDefinition(Path file) {
            JsonNode model = Json.read(file).path("model");
            if (!model.path("type").asString("").equals("BPE") || !(model.path("vocab") instanceof ObjectNode ids)) {
                throw InvalidCheckpoint.ofKey(file, "model", "type BPE with a vocab", Json.kind(model.path("type")));
            }
            Vocabulary vocabulary = new Vocabulary(file, ids, JSON.arrayNode());
            vocabulary.checkIds();
            for (JsonNode merge : model.path("merges")) {
                vocabulary.addMerge(
                        file,
                        merge.isArray()
                                ? merge.path(0).asString("") + " "
                                        + merge.path(1).asString("")
                                : merge.asString(""));
            }
            return vocabulary;
        }

        private void checkIds() {
            Set<Integer> seen = new HashSet<>();
            for (Map.Entry<String, JsonNode> entry : ids.properties()) {
                JsonNode id = entry.getValue();
                if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0 || !seen.add(id.intValue())) {
                    throw InvalidCheckpoint.ofKey(file, entry.getKey(), "a token's id", Json.kind(id));
                }
            }
        }

        private void addMerge(Path mergesFile, String line) {
            String[] pair = line.strip().split(" ", -1);
            if (pair.length != 2) {
                throw InvalidCheckpoint.ofKey(mergesFile, line, "two tokens", pair.length + " in this line");
            }
            for (String token : List.of(pair[0], pair[1], pair[0] + pair[1])) {
                if (!ids.has(token)) {
                    throw InvalidCheckpoint.ofKey(
                            mergesFile, line, "tokens of the vocabulary", "\"" + token + "\", which is not in it");
                }
            }
            if (merges.size() == ids.size()) {
                throw InvalidCheckpoint.ofFile(mergesFile, "fewer merges than tokens", "more");
            }
            merges.add(pair[0] + " " + pair[1]);
        }

        /** One more than the largest id. */
        long size() {
            return 1
                    + ids.values().stream().mapToLong(JsonNode::longValue).max().orElse(-1);
        }

        long id(String token) {
            JsonNode id = ids.get(token);
            if (id == null) {
                throw InvalidCheckpoint.ofKey(file, token, "an id for this special token", "none");
            }
            return id.longValue();
        }

        /** The form the tokenizers library reads, {@code tokenizer.json}. */
        ObjectNode definition(Set<String> special, String unkToken) {
            ObjectNode definition = JSON.objectNode().put("version", "1.0");
            ArrayNode added = definition.putArray("added_tokens");
            for (String token : special) {
                added.addObject()
                        .put("id", id(token))
                        .put("content", token)
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", false)
                        .put("normalized", true)
                        .put("special", true);
            }
            ArrayNode normalizers =
                    definition.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
            normalizers.addObject().put("type", "NFC");
            normalizers
                    .addObject()
                    .put("type", "Replace")
                    .put("content", " ")
                    .putObject("pattern")
                    .put("Regex", "\\s+");
            normalizers.addObject().put("type", "Lowercase");

            ArrayNode pretokenizers = definition
                    .putObject("pre_tokenizer")
                    .put("type", "Sequence")
                    .putArray("pretokenizers");
            pretokenizers
                    .addObject()
                    .put("type", "Split")
                    .put("behavior", "Removed")
                    .put("invert", true)
                    .putObject("pattern")
                    .put("Regex", SPLIT);
            pretokenizers
                    .addObject()
                    .put("type", "ByteLevel")
                    .put("add_prefix_space", false)
                    .put("trim_offsets", true);

            ObjectNode model = definition.putObject("model");
            model.put("type", "BPE")
                    .put("unk_token", unkToken)
                    .put("continuing_subword_prefix", "")
                    .put("end_of_word_suffix", "</w>")
                    .put("fuse_unk", false);
            model.set("vocab", ids);
            model.set("merges", merges);
            return definition;
        }
    }
}
