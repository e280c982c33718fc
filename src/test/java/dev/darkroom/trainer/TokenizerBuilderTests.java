package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerBuilderTests {
    private static final Set<String> WORDS = Set.of("apple", "app", "apples", "red", "orange", "a", "t-shirt");
    private final TokenizerBuilder tokenizer = TokenizerBuilder.learn(WORDS);

    @TempDir
    Path folder;

    @Test
    void everyWordItLearntIsOneToken() {
        Set<String> words = Captions.vocabulary(Concept.parse(Resources.text("concepts.txt")));
        TokenizerBuilder builtIn = TokenizerBuilder.learn(words);

        assertThat(words)
                .hasSizeGreaterThan(100)
                .allSatisfy(word -> assertThat(builtIn.tokens(word))
                        .containsExactlyElementsOf(List.of(word.split("(?<=-)|(?=-)")).stream()
                                .map(part -> part + "</w>")
                                .toList()));
    }

    @Test
    void otherWordsFallApartIntoKnownPieces() {
        List<String> pieces = tokenizer.tokens("Appliance żółw 7!");

        assertThat(pieces).hasSizeGreaterThan(8);
        assertThat(tokenizer.vocabulary()).containsKeys(pieces.toArray(String[]::new));
        assertThat(String.join("", pieces)).startsWith("appliance</w>").endsWith("7</w>!</w>");
    }

    @Test
    void theVocabularyIsInClipsOrder() {
        Map<String, Integer> ids = tokenizer.vocabulary();

        assertThat(ids)
                .containsEntry("!", 0)
                .containsEntry("a", 64)
                .containsEntry("!</w>", 256)
                .containsEntry("a</w>", 320);
        assertThat(ids.get("<|startoftext|>")).isEqualTo(ids.size() - 2);
        assertThat(ids.get("<|endoftext|>")).isEqualTo(ids.size() - 1);
        assertThat(new HashSet<>(ids.values())).hasSize(ids.size());
    }

    @Test
    void theFolderSaysWhatClipTokenizersSay() throws IOException {
        tokenizer.write(folder, 24);

        JsonNode config = JsonMapper.shared()
                .readTree(folder.resolve("tokenizer_config.json").toFile());
        assertThat(config.path("model_max_length").asInt()).isEqualTo(24);
        assertThat(config.path("tokenizer_class").asString()).isEqualTo("CLIPTokenizer");
        assertThat(config.path("pad_token").asString()).isEqualTo("<|endoftext|>");
        assertThat(Files.readAllLines(folder.resolve("merges.txt")).get(0)).isEqualTo("#version: 0.2");
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "merges.txt", "vocab.json", "special_tokens_map.json", "tokenizer_config.json");
        }
    }

    @Test
    void anotherTokenizerReadsTheFilesAlike() throws IOException {
        tokenizer.write(folder, 24);
        Path json = folder.resolve("tokenizer.json");
        Files.writeString(json, tokenizerJson());

        try (HuggingFaceTokenizer huggingFace = HuggingFaceTokenizer.newInstance(json)) {
            for (String text : List.of("a red apple", "Apples, an orange T-shirt!", "appliance żółw 42")) {
                assertThat(huggingFace.encode(text, false, false).getTokens())
                        .as(text)
                        .containsExactly(tokenizer.tokens(text).toArray(String[]::new));
            }
        }
    }

    /** The same vocabulary and merges in the form of the Hugging Face tokenizers library. */
    private String tokenizerJson() throws IOException {
        List<String> merges = new ArrayList<>(Files.readAllLines(folder.resolve("merges.txt")));
        merges.remove(0);
        Map<String, Object> split = Map.of(
                "type",
                "Split",
                "pattern",
                Map.of("Regex", "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"),
                "behavior",
                "Removed",
                "invert",
                true);
        Map<String, Object> bytes =
                Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", false);
        return JsonMapper.shared()
                .writeValueAsString(Map.of(
                        "version", "1.0",
                        "added_tokens", List.of(),
                        "normalizer", Map.of("type", "Lowercase"),
                        "pre_tokenizer", Map.of("type", "Sequence", "pretokenizers", List.of(split, bytes)),
                        "model",
                                Map.of(
                                        "type",
                                        "BPE",
                                        "continuing_subword_prefix",
                                        "",
                                        "end_of_word_suffix",
                                        "</w>",
                                        "fuse_unk",
                                        false,
                                        "vocab",
                                        JsonMapper.shared()
                                                .readTree(folder.resolve("vocab.json")
                                                        .toFile()),
                                        "merges",
                                        merges)));
    }
}
