package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CaptionsTests {
    private static final List<Concept> CONCEPTS = Concept.parse("""
            # comment
            apple  | an apple | red | orange
            green  | an apple | green
            grapes | grapes, a bunch of grapes | purple
            sun    | the sun
            """);

    @Test
    void theArticleFitsTheWordAfterIt() {
        assertThat(captions(0, null).title()).isEqualTo("an apple, noto style");
        assertThat(captions(0, Colour.ORANGE).title()).isEqualTo("an orange apple, noto style");
        assertThat(captions(1, null).title()).isEqualTo("a green apple, noto style");
        assertThat(drawn(captions(0, null)))
                .allSatisfy(caption -> assertThat(" " + caption).doesNotContainPattern(" a [aeiou]| an [^aeiou]"));
        assertThat(drawn(captions(3, null))).contains("the sun").noneMatch(caption -> caption.contains(" a sun"));
    }

    @Test
    void aPictureIsAskedForInManyWays() {
        assertThat(drawn(captions(0, null)))
                .contains(
                        "a red apple",
                        "red apple",
                        "apple",
                        "an apple",
                        "a picture of a red apple",
                        "emoji of a red apple",
                        "a red apple, noto style",
                        "red apple emoji");
        assertThat(drawn(captions(2, null))).contains("grapes", "purple grapes", "a bunch of grapes");
    }

    @Test
    void theNounAloneMeansTheFirstPictureOnly() {
        assertThat(drawn(captions(0, Colour.ORANGE))).allMatch(caption -> caption.contains("orange"));
        assertThat(drawn(captions(1, null))).allMatch(caption -> caption.contains("green"));
    }

    @Test
    void withoutAWordForTheStyleTheFirstIsMeant() {
        List<String> noto = drawn(captions(3, null));
        List<String> flat = drawn(new Captions(CONCEPTS.get(3), Style.FLAT, null, false, List.of()));

        assertThat(share(noto, "noto")).isBetween(0.45, 0.55);
        assertThat(share(flat, "flat")).isBetween(0.94, 0.98);
        assertThat(flat).noneMatch(caption -> caption.contains("noto"));
    }

    @Test
    void someCaptionsHaveAKeyword() {
        List<String> captions =
                drawn(new Captions(CONCEPTS.get(3), Style.NOTO, null, false, List.of("weather", "bright")));

        assertThat(captions).contains("the sun, weather", "the sun, bright");
        assertThat(share(captions, "weather")).isBetween(0.02, 0.04);
    }

    @Test
    void aFewCaptionsHaveWordsThatSayNothing() {
        List<String> captions = drawn(captions(0, null));
        List<String> vocabulary = List.copyOf(Captions.vocabulary(CONCEPTS));
        long unknown = captions.stream()
                .filter(caption -> !vocabulary.containsAll(List.of(caption.split("[ ,]+"))))
                .count();

        assertThat(unknown / (double) captions.size()).isBetween(0.02, 0.04);
        assertThat(captions.stream().filter(caption -> caption.contains("cute")).count())
                .isPositive();
    }

    /** If this fails, the words of the captions have changed: the model has to be trained again, and then has that list. */
    @Test
    void theBuiltInModelSaysWhichWordsItWasTaught() throws IOException {
        try (InputStream in =
                Captions.class.getResourceAsStream("/dev/darkroom/library/darkroom-emoji/darkroom.json")) {
            assertThat(JsonMapper.shared()
                            .readTree(in)
                            .get("words")
                            .valueStream()
                            .map(JsonNode::stringValue))
                    .containsExactlyElementsOf(Captions.vocabulary(Concept.parse(Resources.text("concepts.txt"))));
        }
    }

    @Test
    void theSameRandomNumbersDrawTheSameCaptions() {
        assertThat(drawn(captions(0, null))).isEqualTo(drawn(captions(0, null)));
    }

    @Test
    void aBadLineIsNamed() {
        assertThatThrownBy(() -> Concept.parse("# fruit\napple | an apple | rad"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line 2")
                .hasMessageContaining("\"rad\"");
        assertThatThrownBy(() -> Concept.parse("apple"))
                .hasMessageContaining("line 1")
                .hasMessageContaining("found 1");
        assertThatThrownBy(() -> EvaluationPrompt.parse("a red apple | red-apple"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"a red apple | red-apple\"");
    }

    @Test
    void noTwoPicturesOfTheListHaveTheSameTitle() {
        List<String> titles = Concept.parse(Resources.text("concepts.txt")).stream()
                .flatMap(concept -> Stream.concat(
                        Stream.of(new Captions(concept, Style.NOTO, concept.colour(), false, List.of())),
                        concept.recolours().stream()
                                .map(colour -> new Captions(concept, Style.NOTO, colour, true, List.of()))))
                .map(Captions::title)
                .toList();

        assertThat(titles).doesNotHaveDuplicates().hasSize(285);
    }

    @Test
    void theFixedPromptsAreWhatTheListsSay() {
        List<EvaluationPrompt> prompts = EvaluationPrompt.parse(Resources.text("prompts.txt"));
        HeldOut heldOut = HeldOut.fixed();
        Set<String> listed = Concept.parse(Resources.text("concepts.txt")).stream()
                .map(Concept::emoji)
                .collect(Collectors.toSet());

        assertThat(prompts).hasSize(100).extracting(EvaluationPrompt::text).doesNotHaveDuplicates();
        assertThat(heldOut.pairs())
                .hasSize(50)
                .extracting(EvaluationPrompt::text)
                .doesNotHaveDuplicates();
        assertThat(heldOut.concepts()).hasSize(40).doesNotContainAnyElementsOf(listed);
        assertThat(listed)
                .containsAll(prompts.stream().map(EvaluationPrompt::emoji).toList());
        assertThat(listed)
                .containsAll(
                        heldOut.pairs().stream().map(EvaluationPrompt::emoji).toList());
        assertThat(prompts).noneMatch(prompt -> heldOut.contains(prompt.emoji(), prompt.style()));
        Set<String> texts = new HashSet<>(
                heldOut.pairs().stream().map(EvaluationPrompt::text).toList());
        assertThat(prompts).noneMatch(prompt -> texts.contains(prompt.text()));
        assertThat(prompts)
                .allMatch(prompt -> EvaluationPrompt.parse(prompt.toString()).equals(List.of(prompt)));
    }

    private static Captions captions(int concept, @Nullable Colour recolouring) {
        Concept of = CONCEPTS.get(concept);
        return new Captions(
                of, Style.NOTO, recolouring == null ? of.colour() : recolouring, recolouring != null, List.of());
    }

    private static List<String> drawn(Captions captions) {
        Random random = new Random(7);
        return Stream.generate(() -> captions.draw(random)).limit(5000).toList();
    }

    private static double share(List<String> captions, String word) {
        return captions.stream().filter(caption -> caption.contains(word)).count() / (double) captions.size();
    }
}
