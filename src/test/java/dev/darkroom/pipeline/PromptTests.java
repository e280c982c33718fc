package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.pipeline.WeightedPrompt.Piece;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The syntax against diffusers' community pipeline. Pieces: {@code src/test/reference/prompts_reference.py}. */
class PromptTests {

    static Stream<JsonNode> texts() {
        return JsonMapper.shared()
                .readTree(Path.of("src/test/resources/reference/prompts.json").toFile())
                .get("syntax")
                .valueStream();
    }

    @ParameterizedTest
    @MethodSource("texts")
    void takesAPromptApartAsDiffusersDoes(JsonNode text) {
        List<Piece> expected = text.get("pieces")
                .valueStream()
                .map(piece -> piece(piece.get(0).stringValue(), piece.get(1).doubleValue()))
                .toList();
        assertThat(WeightedPrompt.parse(text.get("text").stringValue()).pieces())
                .isEqualTo(expected);
    }

    @Test
    void allowsSpacesAroundAWeight() {
        assertThat(WeightedPrompt.parse("(red : 1.3 ) apple").pieces())
                .containsExactly(piece("red ", 1.3), piece(" apple", 1));
    }

    @Test
    void readsWhatIsNotANumberAsText() {
        assertThat(WeightedPrompt.parse("(red:1.2.3)").pieces()).containsExactly(piece("red:1.2.3", 1.1));
        assertThat(WeightedPrompt.parse("(red:.)").pieces()).containsExactly(piece("red:.", 1.1));
        assertThat(WeightedPrompt.parse("(red:1e3)").pieces()).containsExactly(piece("red:1e3", 1.1));
        assertThat(WeightedPrompt.parse("(red:\u0663)").pieces()).containsExactly(piece("red:\u0663", 1.1));
    }

    @Test
    void keepsWeightsFinite() {
        String nines = "9".repeat(400);
        assertThat(WeightedPrompt.parse("((red:" + nines + "):-" + nines + ")").pieces())
                .containsExactly(piece("red", -1000));
        assertThat(WeightedPrompt.parse("(".repeat(1999) + "x").pieces()).containsExactly(piece("x", 1000));
        assertThat(WeightedPrompt.parse("((red:" + nines + "):0)").pieces()).containsExactly(piece("red", 0));
    }

    @Test
    void startsAChunkAtBreak() {
        assertThat(WeightedPrompt.parse("a cat BREAK a dog, BREAKFAST").pieces())
                .containsExactly(piece("a cat", 1), new Piece("a dog, BREAKFAST", 1, true));
        assertThat(WeightedPrompt.parse("(a BREAK b:1.5) c").pieces())
                .containsExactly(piece("a", 1.5), new Piece("b", 1.5, true), piece(" c", 1));
        assertThat(WeightedPrompt.parse("BREAK").pieces()).containsExactly(piece("", 1), new Piece("", 1, true));
        assertThat(WeightedPrompt.parse("break").pieces()).containsExactly(piece("break", 1));
    }

    private static Piece piece(String text, double weight) {
        return new Piece(text, weight, false);
    }
}
