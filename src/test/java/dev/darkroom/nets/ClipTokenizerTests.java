package dev.darkroom.nets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.weights.InvalidCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The golden ids come from transformers 4.57.6: {@code CLIPTokenizerFast.from_pretrained(folder)} and {@code CLIPTokenizer}
 * (its {@code fix_text} reduced to NFC), which agree, called as diffusers does with {@code padding="max_length",
 * truncation=True} on the same folder that {@link #writeTheVocabulary} makes.
 */
class ClipTokenizerTests {

    private static final List<String> MERGES = List.of(
            "t h",
            "th e</w>",
            "r e",
            "re d</w>",
            "a p",
            "p l",
            "ap pl",
            "appl e</w>",
            "Ã ©</w>",
            "! !</w>",
            "i t</w>",
            "' s</w>");

    @TempDir
    Path folder;

    @BeforeEach
    void writeTheVocabulary() throws IOException {
        write("vocab.json", vocabulary(MERGES).toString());
        write("merges.txt", "#version: 0.2\n" + String.join("\n", MERGES) + "\n");
        write("tokenizer_config.json", "{\"model_max_length\": 16}");
    }

    @ParameterizedTest
    @MethodSource("goldenIds")
    void givesTheIdsOfTransformers(String text, long[] ids) {
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            long[] padded = Arrays.copyOf(ids, 16);
            Arrays.fill(padded, ids.length, 16, 525);
            assertThat(tokenizer.encode(text)).isEqualTo(padded);
            assertThat(tokenizer.ids(text)).isEqualTo(Arrays.copyOfRange(ids, 1, ids.length - 1));
        }
    }

    static Stream<Arguments> goldenIds() {
        return Stream.of(
                golden("a Red   apple,\tTHE\nred!", 524, 320, 515, 519, 267, 513, 515, 256, 525),
                golden(" the apple  ", 524, 513, 519, 525),
                golden("", 524, 525),
                golden("it's the caf\u00e9", 524, 522, 523, 513, 66, 64, 69, 520, 525),
                golden("cafe\u0301 \u00c0PPLE", 524, 66, 64, 69, 520, 127, 254, 79, 517, 324, 525),
                golden("wow!! \ud83d\ude00", 524, 86, 78, 342, 521, 172, 253, 246, 478, 525),
                golden("x2 42", 524, 343, 273, 275, 273, 525),
                golden("the<|endoftext|>the <|ENDOFTEXT|>", 524, 513, 525, 513, 525, 525),
                golden("\u0000\u65e5 apple", 524, 444, 162, 245, 354, 519, 525));
    }

    private static Arguments golden(String text, long... ids) {
        return Arguments.of(text, ids);
    }

    static Stream<JsonNode> referenceTexts() {
        return JsonMapper.shared()
                .readTree(Path.of("src/test/resources/reference/reference.json").toFile())
                .get("tokenizer")
                .valueStream();
    }

    /**
     * The tiny checkpoint's tokenizer on texts in many scripts. The slow tokenizer that diffusers 0.35 loads treats CJK, control
     * characters and typographic quotes in its own ways, which depend on whether ftfy is installed; where its two ways and the
     * fast one (the only one in transformers 5) agree, so must we, and elsewhere we follow the fast one.
     */
    @ParameterizedTest
    @MethodSource("referenceTexts")
    void givesTheIdsOfTransformersOnTheTinyCheckpoint(JsonNode reference) {
        try (ClipTokenizer tokenizer = ClipTokenizer.open(Path.of("src/test/resources/tiny-sd/tokenizer"))) {
            JsonNode ids = reference.get("ids_fast");
            long[] found = tokenizer.encode(reference.get("text").stringValue());
            for (int i = 0; i < found.length; i++) {
                long expected = ids.get(Math.min(i, ids.size() - 1)).longValue();
                assertThat(found[i]).as("token %d", i).isEqualTo(expected);
            }
        }
    }

    @Test
    void cutsWhatDoesNotFitAndKeepsTheEnd() {
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            String text = "red ".repeat(20);
            long[] expected = new long[16];
            Arrays.fill(expected, 515);
            expected[0] = 524;
            expected[15] = 525;
            assertThat(tokenizer.encode(text)).isEqualTo(expected);
            assertThat(tokenizer.ids(text)).hasSize(20);
            assertThatThrownBy(() -> tokenizer.wrap(tokenizer.ids(text)))
                    .hasMessage("20 tokens, of which at most 14 fit");
        }
    }

    /** As in Stable Diffusion 2, whose two files disagree; "!" is then a special token in the text, too. */
    @Test
    void padsWithTheTokenOfTheSpecialTokensMap() throws IOException {
        write("tokenizer_config.json", "{\"model_max_length\": 16, \"pad_token\": \"<|endoftext|>\"}");
        write(
                "special_tokens_map.json",
                "{\"pad_token\": \"!\", \"eos_token\": {\"content\": \"<|endoftext|>\", \"normalized\": true}}");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("wow!! \ud83d\ude00"))
                    .containsExactly(524, 86, 78, 342, 0, 0, 172, 253, 246, 478, 525, 0, 0, 0, 0, 0);
        }
    }

    @Test
    void isSeventySevenLongUnlessToldOtherwise() throws IOException {
        Files.delete(folder.resolve("tokenizer_config.json"));
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.maxLength()).isEqualTo(77);
            assertThat(tokenizer.encode("red")).hasSize(77).startsWith(524, 515, 525);
            assertThat(tokenizer.vocabSize()).isEqualTo(526);
        }
    }

    /** What transformers writes where none was set; it pads to nothing then, and Darkroom to what the encoder takes. */
    @ParameterizedTest
    @ValueSource(strings = {"1000000000000000019884624838656", "1e30", "null"})
    void isAsLongAsTheEncoderWhereNoLengthWasSet(String length) throws IOException {
        write("tokenizer_config.json", "{\"model_max_length\": " + length + "}");
        assertThat(TokenizerFolder.read(folder).maxLength(50)).isEqualTo(50);
    }

    /** As transformers 5 reads it; 4 takes the first line for the version whatever it says. */
    @Test
    void readsMergesWithoutAVersion() throws IOException {
        write("merges.txt", String.join("\n", MERGES) + "\n");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("The RED apple")).startsWith(524, 513, 515, 519, 525);
        }
    }

    /** The ids are those of transformers 5.24 ({@code CLIPTokenizer}) on the same folder. */
    @ParameterizedTest
    @MethodSource("foldersWithAddedTokens")
    void findsAddedTokensAsAWhole(Map<String, String> files) throws IOException {
        for (Map.Entry<String, String> file : files.entrySet()) {
            write(file.getKey(), file.getValue());
        }
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.ids("the <sks> apple")).containsExactly(513, 530, 519);
            assertThat(tokenizer.ids("red<SKS>apple")).containsExactly(515, 530, 519);
            assertThat(tokenizer.ids("the <sk s>")).doesNotContain(530L);
            assertThat(tokenizer.vocabSize()).isEqualTo(531);
        }
    }

    static Stream<Map<String, String>> foldersWithAddedTokens() {
        String decoder = """
                {"model_max_length": 16, "added_tokens_decoder": {
                  "524": {"content": "<|startoftext|>", "normalized": true, "special": true},
                  "525": {"content": "<|endoftext|>", "normalized": true, "special": true},
                  "530": {"content": "<sks>", "lstrip": false, "normalized": true, "rstrip": false,
                          "single_word": false, "special": false}}}""";
        String definition = """
                {"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": [
                  {"id": 524, "content": "<|startoftext|>", "normalized": true, "special": true},
                  {"id": 530, "content": "<sks>", "normalized": true, "special": false}]}""";
        return Stream.of(
                Map.of("added_tokens.json", "{\"<sks>\": 530}"),
                Map.of("tokenizer_config.json", decoder),
                Map.of("tokenizer.json", definition));
    }

    @Test
    void anAddedTokenOfSeveralVectorsBringsThemAll() throws IOException {
        write("added_tokens.json", "{\"<cat>\": 526, \"<cat>_1\": 527, \"<cat>_2\": 528, \"<dog>\": 529}");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.ids("the <cat> apple")).containsExactly(513, 526, 527, 528, 519);
            assertThat(tokenizer.ids("<dog>")).containsExactly(529);
            assertThat(tokenizer.ids("<cat>_1")).containsExactly(527);
        }
    }

    @Test
    void refusesAddedTokensWhoseIdsAreTaken() throws IOException {
        write("added_tokens.json", "{\"<sks>\": 513}");
        assertInvalid(folder.resolve("added_tokens.json")
                + ": \"<sks>\": expected an id of its own, found 513, which is that of \"the</w>\"");
        write("added_tokens.json", "{\"the</w>\": 600}");
        assertInvalid(
                folder.resolve("added_tokens.json") + ": \"the</w>\": expected 513, its id in vocab.json, found 600");
        write("added_tokens.json", "{\"<sks>\": \"many\"}");
        assertInvalid(folder.resolve("added_tokens.json") + ": \"<sks>\": expected a token's id, found \"many\"");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readsTheVocabularyOfATokenizerJson(boolean mergesAsPairs) throws IOException {
        Files.delete(folder.resolve("vocab.json"));
        Files.delete(folder.resolve("merges.txt"));
        ObjectNode definition = JsonNodeFactory.instance.objectNode();
        ObjectNode model = definition.putObject("model").put("type", "BPE");
        model.set("vocab", vocabulary(MERGES));
        for (String merge : MERGES) {
            String[] pair = merge.split(" ");
            if (mergesAsPairs) {
                model.withArray("merges").addArray().add(pair[0]).add(pair[1]);
            } else {
                model.withArray("merges").add(merge);
            }
        }
        write("tokenizer.json", definition.toString());
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("The RED apple")).startsWith(524, 513, 515, 519, 525);
        }
    }

    @Test
    void takesTheUnknownTokenForAByteThatIsNotInTheVocabulary() throws IOException {
        write("vocab.json", "{\"a\": 0, \"a</w>\": 1, \"<|startoftext|>\": 2, \"<|endoftext|>\": 3}");
        write("merges.txt", "#version: 0.2\n");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("aa abz")).startsWith(2, 0, 1, 0, 3, 3, 3);
            assertThat(tokenizer.ids("aa abz")).hasSize(5);
        }
    }

    @Test
    void survivesHalfACharacter() {
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("red \ud83d apple"))
                    .startsWith(524, 515)
                    .contains(519, 525);
        }
    }

    @Test
    void namesTheFileThatIsMissing() throws IOException {
        Files.delete(folder.resolve("merges.txt"));
        assertInvalid(folder.resolve("merges.txt") + ": expected a list of merges, found no such file");
        Files.delete(folder.resolve("vocab.json"));
        assertInvalid(folder.resolve("vocab.json") + ": expected a JSON file, found no such file");
    }

    @Test
    void saysWhatIsWrongInAFile() throws IOException {
        Path merges = folder.resolve("merges.txt");
        write("merges.txt", "");
        assertInvalid(merges + ": expected a list of merges, found an empty file");
        write("merges.txt", "#version: 0.2\nt h e\n");
        assertInvalid(merges + ": \"t h e\": expected two tokens, found 3 in this line");
        write("merges.txt", "#version: 0.2\nq q\n");
        assertInvalid(merges + ": \"q q\": expected tokens of the vocabulary, found \"qq\", which is not in it");

        write("tokenizer_config.json", "{\"model_max_length\": 2}");
        write("merges.txt", "#version: 0.2\n");
        assertInvalid(folder.resolve("tokenizer_config.json")
                + ": \"model_max_length\": expected an integer of 3 or more, found 2");

        write("tokenizer_config.json", "{\"pad_token\": \"<pad>\"}");
        assertInvalid(folder.resolve("vocab.json") + ": \"<pad>\": expected an id for this special token, found none");
        write("vocab.json", "{\"a\": -1}");
        assertInvalid(folder.resolve("vocab.json") + ": \"a\": expected a token's id, found -1");
    }

    private void assertInvalid(String message) {
        assertThatThrownBy(() -> ClipTokenizer.open(folder))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(message);
    }

    /** 256 byte symbols, the same at a word's end, the merged ones, the special ones, numbered in this order. */
    static ObjectNode vocabulary(List<String> merges) {
        List<String> symbols = Stream.of(
                        IntStream.rangeClosed('!', '~'),
                        IntStream.rangeClosed(0xa1, 0xac),
                        IntStream.rangeClosed(0xae, 0xff),
                        IntStream.range(0x100, 0x100 + 68)) // stand for the 68 bytes that cannot be printed
                .flatMap(IntStream::boxed)
                .map(Character::toString)
                .toList();
        List<String> tokens = new ArrayList<>(symbols);
        symbols.forEach(symbol -> tokens.add(symbol + "</w>"));
        merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
        tokens.add("<|startoftext|>");
        tokens.add("<|endoftext|>");
        ObjectNode vocabulary = JsonNodeFactory.instance.objectNode();
        tokens.forEach(token -> vocabulary.put(token, vocabulary.size()));
        return vocabulary;
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }
}
