package dev.darkroom.request;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WarningTests {

    /** Of 512 × 512 pixels. */
    private static ModelInfo knowing(String... words) {
        ModelInfo any = RequestTests.MODEL;
        return new ModelInfo(
                any.id(),
                any.description(),
                512,
                512,
                64,
                2048,
                64,
                any.steps(),
                any.guidanceScale(),
                any.sampler(),
                any.schedule(),
                any.determinism(),
                any.predictionType(),
                any.trainTimesteps(),
                any.lcmSteps(),
                any.maxClipSkip(),
                any.guidanceEmbedded(),
                any.parameters(),
                Set.of(words));
    }

    private static List<Warning> of(Draft draft, ModelInfo model) {
        return Warning.of(Request.of(draft, model), model);
    }

    @Test
    void namesTheWordsThatAModelOfFewWordsWasNotTaught() {
        ModelInfo model = knowing("a", "red", "apple", "piñata", "t", "shirt");
        assertThat(of(Draft.of(Map.of("prompt", "a (Red:1.3) [apple], BREAK PIÑATA 7! \\(t-shirt\\)")), model))
                .isEmpty();
        assertThat(of(Draft.of(Map.of("prompt", "a qwerty on 🍎🍏, Qwerty", "negative_prompt", "blurry")), model))
                .containsExactly(
                        new Warning(
                                Warning.Code.UNKNOWN_WORDS,
                                "prompt",
                                "prompt has words that the model was not taught: qwerty, on, 🍎🍏"),
                        new Warning(
                                Warning.Code.UNKNOWN_WORDS,
                                "negative_prompt",
                                "negative_prompt has words that the model was not taught: blurry"));
    }

    @Test
    void namesTenWordsAtMostAndNoneOfAModelThatMayKnowAny() {
        String words = "b c d e f g h i j k l m";
        assertThat(of(Draft.of(Map.of("prompt", words)), knowing("a")).get(0).message())
                .endsWith(": b, c, d, e, f, g, h, i, j, k and 2 more");
        assertThat(of(Draft.of(Map.of("prompt", "𝐚".repeat(60))), knowing("a"))
                        .get(0)
                        .message())
                .endsWith(": " + "𝐚".repeat(40) + "...");
        assertThat(of(Draft.of(Map.of("prompt", words)), knowing())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<lora:style:0.8>",
                "<lyco:x:1>",
                "<hypernet:y>",
                "<cat-toy>",
                "embedding:easynegative",
                "[a:b:0.5]",
                "[:hat:10]",
                "[red:0.5]",
                "[cow|horse]",
                "{red|green}"
            })
    void namesSyntaxThatIsTextHere(String syntax) {
        assertThat(of(Draft.of(Map.of("prompt", "a " + syntax + ", b")), knowing("a", "b")))
                .containsExactly(new Warning(
                        Warning.Code.FOREIGN_SYNTAX, "prompt", "prompt has what is no more than text here: " + syntax));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a [b] (c:1.2)",
                "[[a], b: c]",
                "5 < 6 > 4",
                "http://x.y",
                "at 10:30",
                "[a|b",
                "(embedding:1.2)",
                "(a|b)",
                "{a}",
                "<3"
            })
    void doesNotTakeOrdinaryTextForSyntax(String text) {
        assertThat(of(Draft.of(Map.of("prompt", text)), knowing())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "512, 512, false",
        "512, 768, false",
        "704, 704, false",
        "1024, 512, false",
        "1024, 1024, true",
        "256, 256, true",
        "64, 64, true",
        "2048, 192, true"
    })
    void saysThatAModelWasMadeForAnotherSize(int width, int height, boolean unusual) {
        List<Warning> warnings = of(Draft.of(Map.of("prompt", "a", "width", width, "height", height)), knowing());
        assertThat(warnings)
                .extracting(Warning::message)
                .isEqualTo(
                        unusual
                                ? List.of("the model was made for pictures of about 512x512 pixels; those of " + width
                                        + "x" + height + " may look wrong")
                                : List.of());
    }
}
