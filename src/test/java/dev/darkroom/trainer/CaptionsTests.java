package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        assertThat(new Captions(CONCEPTS.get(0), null).title()).isEqualTo("an apple");
        assertThat(new Captions(CONCEPTS.get(0), Colour.ORANGE).title()).isEqualTo("an orange apple");
        assertThat(new Captions(CONCEPTS.get(1), null).title()).isEqualTo("a green apple");
        assertThat(drawn(0, null))
                .allSatisfy(caption -> assertThat(" " + caption).doesNotContainPattern(" a [aeiou]| an [^aeiou]"));
        assertThat(drawn(3, null)).contains("the sun").noneMatch(caption -> caption.contains(" a sun"));
    }

    @Test
    void aPictureIsAskedForInManyWays() {
        assertThat(drawn(0, null))
                .contains(
                        "a red apple",
                        "red apple",
                        "apple",
                        "an apple",
                        "a picture of a red apple",
                        "emoji of a red apple",
                        "a red apple, noto style",
                        "red apple emoji");
        assertThat(drawn(2, null)).contains("grapes", "purple grapes", "a bunch of grapes");
    }

    @Test
    void theNounAloneMeansTheFirstPictureOnly() {
        assertThat(drawn(0, Colour.ORANGE)).allMatch(caption -> caption.contains("orange"));
        assertThat(drawn(1, null)).allMatch(caption -> caption.contains("green"));
    }

    @Test
    void aFewCaptionsHaveWordsThatSayNothing() {
        List<String> captions = drawn(0, null);
        List<String> vocabulary = List.copyOf(Captions.vocabulary(CONCEPTS));
        long unknown = captions.stream()
                .filter(caption -> !vocabulary.containsAll(List.of(caption.split("[ ,]+"))))
                .count();

        assertThat(unknown / (double) captions.size()).isBetween(0.02, 0.04);
        assertThat(captions.stream().filter(caption -> caption.contains("cute")).count())
                .isPositive();
    }

    @Test
    void theSameRandomNumbersDrawTheSameCaptions() {
        assertThat(drawn(0, null)).isEqualTo(drawn(0, null));
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
    }

    @ParameterizedTest
    @CsvSource({"concepts.txt, 66", "concepts-large.txt, 285"})
    void noTwoPicturesOfAListHaveTheSameTitle(String list, int pictures) throws IOException {
        String text = Files.readString(Path.of("src/main/resources/dev/darkroom/trainer", list));
        List<String> titles = Concept.parse(text).stream()
                .flatMap(concept -> Stream.concat(
                        Stream.of(new Captions(concept, null)),
                        concept.recolours().stream().map(colour -> new Captions(concept, colour))))
                .map(Captions::title)
                .collect(Collectors.toList());

        assertThat(titles).doesNotHaveDuplicates().hasSize(pictures);
    }

    private static List<String> drawn(int concept, @Nullable Colour recolouring) {
        Captions captions = new Captions(CONCEPTS.get(concept), recolouring);
        Random random = new Random(7);
        return Stream.generate(() -> captions.draw(random)).limit(5000).toList();
    }
}
