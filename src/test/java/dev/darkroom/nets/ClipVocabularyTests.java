package dev.darkroom.nets;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * CLIP's real vocabulary, 49,408 tokens, on 3,227 texts in many scripts, with emoji, control characters and noise, against
 * transformers 4.57.6. Numbers: {@code src/test/reference/tokenizer_reference.py}.
 */
class ClipVocabularyTests {
    private static final Path RESOURCES = Path.of("src/test/resources/clip");
    private static final int MERGES = 49_152 - 256 - 2;

    @TempDir
    static Path folder;

    private static List<JsonNode> texts;

    /** The files of openai/clip-vit-large-patch14. */
    @BeforeAll
    static void writeTheVocabulary() throws IOException {
        List<String> merges;
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(open("bpe_simple_vocab_16e6.txt.gz"), StandardCharsets.UTF_8))) {
            merges = lines.lines().skip(1).limit(MERGES).toList();
        }
        Files.writeString(
                folder.resolve("vocab.json"),
                ClipTokenizerTests.vocabulary(merges).toString());
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n" + String.join("\n", merges) + "\n");
        try (InputStream json = open("tokens.json.gz")) {
            texts = JsonMapper.shared()
                    .readTree(json)
                    .get("texts")
                    .valueStream()
                    .toList();
        }
    }

    private static InputStream open(String name) throws IOException {
        return new GZIPInputStream(Files.newInputStream(RESOURCES.resolve(name)));
    }

    @Test
    void holdsClipsTokens() throws IOException {
        padWith("<|endoftext|>");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.vocabSize()).isEqualTo(49_408);
            assertThat(tokenizer.encode("a photo of an astronaut riding a horse on mars"))
                    .startsWith(49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407, 49407)
                    .endsWith(49407)
                    .hasSize(77);
        }
    }

    @Test
    void givesTheIdsOfTransformersFastTokenizerOnEveryText() throws IOException {
        padWith("<|endoftext|>");
        assertThat(texts).hasSizeGreaterThan(3000);
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            SoftAssertions softly = new SoftAssertions();
            Map<String, Agreement> agreements = new TreeMap<>();
            for (JsonNode text : texts) {
                softly.assertThat(tokenizer.ids(text.get("text").stringValue()))
                        .as("%s", text.get("text"))
                        .isEqualTo(ids(text.get("ids")));
                agreements.merge(text.get("kind").stringValue(), Agreement.of(text), Agreement::plus);
            }
            agreements.forEach((kind, agreement) -> System.out.printf(
                    "%-12s %d texts; the slow tokenizer agrees on %d, with ftfy on %d%n",
                    kind, agreement.texts, agreement.slow, agreement.ftfy));
            softly.assertAll();
            // What diffusers loads is the slow tokenizer: on ordinary prompts it makes no difference.
            assertThat(agreements.get("ordinary")).isEqualTo(new Agreement(600, 600, 600));
        }
    }

    /** As SDXL's second tokenizer, whose padding is "!": a special token in the text, too. */
    @Test
    void givesTheIdsOfTransformersWherePaddingIsAnExclamationMark() throws IOException {
        padWith("!");
        try (ClipTokenizer tokenizer = ClipTokenizer.open(folder)) {
            assertThat(tokenizer.encode("a cat"))
                    .startsWith(49406, 320, 2368, 49407, 0, 0)
                    .endsWith(0);
            SoftAssertions softly = new SoftAssertions();
            for (JsonNode text : texts) {
                softly.assertThat(tokenizer.ids(text.get("text").stringValue()))
                        .as("%s", text.get("text"))
                        .isEqualTo(ids(text.has("ids_pad_0") ? text.get("ids_pad_0") : text.get("ids")));
            }
            softly.assertAll();
        }
    }

    private static void padWith(String pad) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                JsonNodeFactory.instance.objectNode().put("pad_token", pad).toString());
    }

    private static long[] ids(JsonNode array) {
        List<Long> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.longValue()));
        return ids.stream().mapToLong(Long::longValue).toArray();
    }

    /**
     * @param slow where {@code CLIPTokenizer} without ftfy gives the ids of the fast one
     * @param ftfy the same with ftfy
     */
    private record Agreement(int texts, int slow, int ftfy) {
        static Agreement of(JsonNode text) {
            return new Agreement(
                    1, text.get("slow").booleanValue() ? 1 : 0, text.get("ftfy").booleanValue() ? 1 : 0);
        }

        Agreement plus(Agreement other) {
            return new Agreement(texts + other.texts, slow + other.slow, ftfy + other.ftfy);
        }
    }
}
