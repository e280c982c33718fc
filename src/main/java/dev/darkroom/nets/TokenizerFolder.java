package dev.darkroom.nets;

import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.Json;
import dev.darkroom.weights.TextFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The files of a {@code tokenizer} folder as transformers 4.57 and 5 write them, read and checked. Nothing native is loaded
 * until {@link #load}.
 */
public final class TokenizerFolder {
    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final String SPLIT = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** From here on a length means that none was set; transformers writes 1e30 then. */
    private static final double NO_LENGTH = 1e20;

    /** A token that is found in the text as it is, before the text is split. Its fields are those of the tokenizers library. */
    private record AddedToken(
            String content,
            long id,
            boolean singleWord,
            boolean left,
            boolean right,
            boolean normalized,
            boolean special) {

        /** @param flags an object that may have some of them; where it does not speak of {@code normalized}, special ones are not */
        static AddedToken of(String content, long id, JsonNode flags) {
            boolean special = flags.path("special").asBoolean(false);
            return new AddedToken(
                    content,
                    id,
                    flags.path("single_word").asBoolean(false),
                    flags.path("lstrip").asBoolean(false),
                    flags.path("rstrip").asBoolean(false),
                    flags.path("normalized").asBoolean(!special),
                    special);
        }

        void write(ArrayNode into) {
            into.addObject()
                    .put("id", id)
                    .put("content", content)
                    .put("single_word", singleWord)
                    .put("lstrip", left)
                    .put("rstrip", right)
                    .put("normalized", normalized)
                    .put("special", special);
        }
    }

    private final Path folder;
    private final ObjectNode config;
    private final Vocabulary vocabulary;
    private final Map<String, AddedToken> added = new LinkedHashMap<>();
    private final String unknown;
    private final long bos;
    private final long eos;
    private final long pad;

    private TokenizerFolder(Path folder) {
        this.folder = folder;
        Path vocab = folder.resolve("vocab.json");
        Path merges = folder.resolve("merges.txt");
        Path whole = folder.resolve("tokenizer.json");
        ObjectNode definition = readIfExists(whole);
        vocabulary = definition.isEmpty() || Files.exists(vocab) && Files.exists(merges)
                ? Vocabulary.of(vocab, merges)
                : Vocabulary.of(whole, definition.path("model"));
        config = readIfExists(configFile());
        ObjectNode specials = specialTokens();
        addTokens(whole, definition);

        String begin = content(specials.path("bos_token"), "<|startoftext|>");
        String end = content(specials.path("eos_token"), END_OF_TEXT);
        String padding = content(specials.path("pad_token"), END_OF_TEXT);
        unknown = content(specials.path("unk_token"), END_OF_TEXT);
        // CLIP's own special tokens are found whatever their case, unless the folder says otherwise.
        JsonNode normalized = JSON.objectNode().put("special", true).put("normalized", true);
        for (String token : List.of(begin, end, padding, unknown)) {
            addSpecial(token, normalized);
        }
        for (String key : List.of("additional_special_tokens", "extra_special_tokens")) {
            specials.path(key)
                    .values()
                    .forEach(token ->
                            addSpecial(content(token, ""), JSON.objectNode().put("special", true)));
        }
        bos = vocabulary.id(begin);
        eos = vocabulary.id(end);
        pad = vocabulary.id(padding);
    }

    /**
     * Reads {@code vocab.json} and {@code merges.txt}, or where one is missing the same from {@code tokenizer.json}; tokens
     * that were added to them, from {@code tokenizer_config.json} (or {@code added_tokens.json}) and {@code tokenizer.json};
     * and {@code special_tokens_map.json} where it exists.
     *
     * @throws InvalidCheckpoint if a file is missing or wrong
     */
    public static TokenizerFolder read(Path folder) {
        return new TokenizerFolder(folder);
    }

    /**
     * Length of every encoded text.
     *
     * @param positions what it is where the folder does not say: how many tokens the text encoder takes
     * @throws InvalidCheckpoint if the folder says that it is less than 3, or no whole number
     */
    public int maxLength(int positions) {
        JsonNode length = config.path("model_max_length");
        if (length.isMissingNode() || length.isNull() || length.isNumber() && length.doubleValue() >= NO_LENGTH) {
            return positions;
        }
        if (!length.isIntegralNumber() || !length.canConvertToInt() || length.intValue() < 3) {
            throw InvalidCheckpoint.ofKey(
                    configFile(), "model_max_length", "an integer of 3 or more", Json.kind(length));
        }
        return length.intValue();
    }

    /** One more than the largest id: what the text encoder's embedding must have. */
    public long vocabSize() {
        return vocabulary.size();
    }

    /**
     * Loads the tokenizer.
     *
     * @param maxLength length of every encoded text, 3 or more
     */
    public ClipTokenizer load(int maxLength) {
        return new ClipTokenizer(this, maxLength);
    }

    long bos() {
        return bos;
    }

    long eos() {
        return eos;
    }

    long pad() {
        return pad;
    }

    /** The ids of {@code <t>_1, <t>_2, …} by the id of {@code <t>}, as far as they were added. */
    Map<Long, long[]> followers() {
        Map<Long, long[]> followers = new HashMap<>();
        for (AddedToken token : added.values()) {
            List<Long> ids = new ArrayList<>();
            AddedToken next;
            while ((next = added.get(token.content + "_" + (ids.size() + 1))) != null) {
                ids.add(next.id);
            }
            if (!ids.isEmpty()) {
                followers.put(token.id, ids.stream().mapToLong(Long::longValue).toArray());
            }
        }
        return followers;
    }

    private Path configFile() {
        return folder.resolve("tokenizer_config.json");
    }

    private static ObjectNode readIfExists(Path file) {
        return Files.exists(file) ? Json.read(file) : JSON.objectNode();
    }

    /**
     * {@code special_tokens_map.json} speaks before {@code tokenizer_config.json}, unless the latter is of the newer kind
     * that lists the tokens itself: so transformers reads them, and Stable Diffusion 2's padding with "!" depends on it.
     */
    private ObjectNode specialTokens() {
        ObjectNode specials = config.deepCopy();
        if (!config.has("added_tokens_decoder")) {
            specials.setAll(readIfExists(folder.resolve("special_tokens_map.json")));
        }
        return specials;
    }

    /** A token is written as its text or as an object with it. */
    private static String content(JsonNode token, String otherwise) {
        return (token.isObject() ? token.path("content") : token).asString(otherwise);
    }

    private void addTokens(Path whole, ObjectNode definition) {
        for (JsonNode token : definition.path("added_tokens")) {
            add(whole, content(token, ""), token.path("id"), token);
        }
        if (config.has("added_tokens_decoder")) {
            for (Map.Entry<String, JsonNode> token :
                    config.path("added_tokens_decoder").properties()) {
                JsonNode id = token.getKey().matches("\\d{1,9}")
                        ? JSON.numberNode(Integer.parseInt(token.getKey()))
                        : JSON.stringNode(token.getKey());
                add(configFile(), content(token.getValue(), ""), id, token.getValue());
            }
        } else {
            Path file = folder.resolve("added_tokens.json");
            for (Map.Entry<String, JsonNode> token : readIfExists(file).properties()) {
                if (!added.containsKey(token.getKey())) {
                    add(file, token.getKey(), token.getValue(), JSON.objectNode());
                }
            }
        }
    }

    /** Takes the token and its id into the vocabulary; no merge makes it, so it is found as a whole only. */
    private void add(Path file, String content, JsonNode id, JsonNode flags) {
        if (content.isEmpty()) {
            throw InvalidCheckpoint.ofKey(file, "added_tokens", "tokens with their content", Json.kind(flags));
        }
        vocabulary.add(file, content, id);
        added.put(content, AddedToken.of(content, id.longValue(), flags));
    }

    private void addSpecial(String content, JsonNode flags) {
        long id = vocabulary.id(content);
        added.putIfAbsent(content, AddedToken.of(content, id, flags));
    }

    /** The form the tokenizers library reads, {@code tokenizer.json}. */
    ObjectNode definition() {
        ObjectNode definition = JSON.objectNode().put("version", "1.0");
        ArrayNode tokens = definition.putArray("added_tokens");
        added.values().forEach(token -> token.write(tokens));
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

        ArrayNode pretokenizers =
                definition.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
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
                .put("unk_token", unknown)
                .put("continuing_subword_prefix", "")
                .put("end_of_word_suffix", "</w>")
                .put("fuse_unk", false);
        model.set("vocab", vocabulary.ids);
        model.set("merges", vocabulary.merges);
        return definition;
    }

    /**
     * The tokens and the merges that make them.
     *
     * @param file where the tokens were read, for errors
     * @param ids token to id
     * @param tokens id to token
     * @param merges two tokens with a space between, most frequent first
     */
    private record Vocabulary(Path file, ObjectNode ids, Map<Long, String> tokens, ArrayNode merges) {

        private Vocabulary(Path file, ObjectNode ids) {
            this(file, ids, new HashMap<>(), JSON.arrayNode());
            for (Map.Entry<String, JsonNode> token : ids.properties()) {
                number(file, token.getKey(), token.getValue());
            }
        }

        static Vocabulary of(Path vocabFile, Path mergesFile) {
            Vocabulary vocabulary = new Vocabulary(vocabFile, Json.read(vocabFile));
            List<String> lines =
                    TextFile.read(mergesFile, "a list of merges").lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                // The version that older files do not have.
                if (!lines.get(i).isBlank() && !(i == 0 && lines.get(i).startsWith("#version"))) {
                    vocabulary.addMerge(mergesFile, lines.get(i));
                }
            }
            if (lines.isEmpty()) {
                throw InvalidCheckpoint.ofFile(mergesFile, "a list of merges", "an empty file");
            }
            return vocabulary;
        }

        /** @param model of a {@code tokenizer.json} */
        static Vocabulary of(Path file, JsonNode model) {
            if (!model.path("type").asString("").equals("BPE") || !(model.path("vocab") instanceof ObjectNode ids)) {
                throw InvalidCheckpoint.ofKey(file, "model", "type BPE with a vocab", Json.kind(model.path("type")));
            }
            Vocabulary vocabulary = new Vocabulary(file, ids);
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

        private void number(Path from, String token, JsonNode id) {
            if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
                throw InvalidCheckpoint.ofKey(from, token, "a token's id", Json.kind(id));
            }
            String other = tokens.putIfAbsent(id.longValue(), token);
            if (other != null && !other.equals(token)) {
                throw InvalidCheckpoint.ofKey(
                        from, token, "an id of its own", id + ", which is that of \"" + other + "\"");
            }
        }

        void add(Path from, String token, JsonNode id) {
            JsonNode known = ids.get(token);
            if (known != null && !known.equals(id)) {
                throw InvalidCheckpoint.ofKey(from, token, known + ", its id in " + file.getFileName(), Json.kind(id));
            }
            number(from, token, id);
            ids.set(token, id);
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
            return 1 + tokens.keySet().stream().mapToLong(Long::longValue).max().orElse(-1);
        }

        long id(String token) {
            JsonNode id = ids.get(token);
            if (id == null) {
                throw InvalidCheckpoint.ofKey(file, token, "an id for this special token", "none");
            }
            return id.longValue();
        }
    }
}
