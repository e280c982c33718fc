package dev.darkroom.trainer;

import dev.darkroom.trainer.Concept.Noun;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The captions of one picture, drawn anew for every training sample: how people may ask for it. Lower case.
 *
 * <p>Now and then a caption has a word that says nothing about the picture: an adjective, a style that all pictures have, or a
 * made-up word, so that the model learns to pass over what it does not know.
 */
final class Captions {
    private static final double ADJECTIVE = 0.04;
    private static final double MADE_UP_WORD = 0.03;
    private static final double TRAILER = 0.05;
    private static final double SYNONYM = 0.3;

    /** "%s" is the noun with its article. */
    private static final List<String> WITH_ARTICLE = List.of(
            "%s",
            "%s",
            "%s",
            "%s",
            "a picture of %s",
            "a drawing of %s",
            "a photo of %s",
            "an image of %s",
            "an icon of %s",
            "an emoji of %s",
            "emoji of %s",
            "%s, noto style",
            "%s emoji");
    /** "%s" is the noun without an article. */
    private static final List<String> BARE =
            List.of("%s", "%s", "%s", "%s emoji", "%s icon", "%s, noto style", "picture of %s", "emoji of %s");

    private static final List<String> ADJECTIVES = List.of(
            "amazing",
            "beautiful",
            "big",
            "bright",
            "colorful",
            "colourful",
            "cute",
            "delicious",
            "detailed",
            "fancy",
            "fresh",
            "friendly",
            "funny",
            "good",
            "great",
            "large",
            "little",
            "lovely",
            "modern",
            "new",
            "nice",
            "old",
            "perfect",
            "pretty",
            "realistic",
            "round",
            "shiny",
            "simple",
            "single",
            "small",
            "strange",
            "tasty",
            "tiny",
            "wonderful",
            "young");
    private static final List<String> TRAILERS = List.of(
            " on a white background",
            ", white background",
            ", cartoon",
            ", flat icon",
            ", vector art",
            ", digital art",
            ", illustration",
            ", high quality",
            ", highly detailed",
            ", centered",
            ", emoji style");
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";

    private final Concept concept;
    private final @Nullable Colour colour;
    private final boolean recoloured;

    /** @param recolouring the colour the picture was redrawn in, null for the concept's own picture */
    Captions(Concept concept, @Nullable Colour recolouring) {
        this.concept = concept;
        this.recoloured = recolouring != null;
        this.colour = recoloured ? recolouring : concept.colour();
    }

    /** The plainest caption that tells this picture from the others: "a red apple". */
    String title() {
        Noun noun = concept.nouns().get(0);
        return noun.withArticle(needsColour(0) ? word(colour) : "");
    }

    /** A caption as the training draws it. */
    String draw(Random random) {
        int n = random.nextDouble() < SYNONYM ? random.nextInt(concept.nouns().size()) : 0;
        String modifiers =
                needsColour(n) || (colour != null && random.nextDouble() < colourShare()) ? word(colour) : "";
        double chance = random.nextDouble();
        if (chance < ADJECTIVE) {
            modifiers = (ADJECTIVES.get(random.nextInt(ADJECTIVES.size())) + " " + modifiers).strip();
        } else if (chance < ADJECTIVE + MADE_UP_WORD) {
            modifiers = (madeUpWord(random) + " " + modifiers).strip();
        }
        Noun noun = concept.nouns().get(n);
        String caption = random.nextDouble() < 0.6
                ? pick(WITH_ARTICLE, random).formatted(noun.withArticle(modifiers))
                : pick(BARE, random).formatted(noun.bare(modifiers));
        return random.nextDouble() < TRAILER ? caption + pick(TRAILERS, random) : caption;
    }

    /** All words that captions of these concepts can have, made-up ones aside. */
    static Set<String> vocabulary(List<Concept> concepts) {
        Set<String> words = new TreeSet<>();
        Stream.of(
                        WITH_ARTICLE.stream(),
                        BARE.stream(),
                        ADJECTIVES.stream(),
                        TRAILERS.stream(),
                        Stream.of("a", "an", "the"),
                        Stream.of(Colour.values()).map(Colour::word),
                        concepts.stream().flatMap(c -> c.nouns().stream()).map(Noun::words))
                .flatMap(texts -> texts)
                .flatMap(text -> Stream.of(text.replace("%s", " ").strip().split("[ ,]+")))
                .filter(word -> !word.isEmpty())
                .forEach(words::add);
        return words;
    }

    /** Whether the noun alone would mean another picture. */
    private boolean needsColour(int noun) {
        return colour != null && (recoloured || !concept.first().get(noun));
    }

    private double colourShare() {
        return concept.recolours().isEmpty() ? 0.3 : 0.5;
    }

    private static String madeUpWord(Random random) {
        StringBuilder word = new StringBuilder();
        for (int i = 3 + random.nextInt(5); i > 0; i--) {
            word.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        return word.toString();
    }

    private static String word(@Nullable Colour colour) {
        return colour == null ? "" : colour.word();
    }

    private static String pick(List<String> texts, Random random) {
        return texts.get(random.nextInt(texts.size()));
    }
}
