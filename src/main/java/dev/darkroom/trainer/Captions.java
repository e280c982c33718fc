package dev.darkroom.trainer;

import dev.darkroom.trainer.Concept.Noun;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The captions of one picture, drawn anew for every training sample: how people may ask for it. Lower case.
 *
 * <p>Now and then a caption has a word that says nothing about the picture: an adjective, a medium, or a made-up word, so that the model learns to pass over what it does not know.
 */
final class Captions {
    private static final double ADJECTIVE = 0.04;
    private static final double MADE_UP_WORD = 0.03;
    private static final double TRAILER = 0.05;
    private static final double KEYWORD = 0.06;
    private static final double SYNONYM = 0.3;
    /** Share of captions that name the style: of the first style, which is meant when none is named, and of the others. */
    private static final double STYLE_NAMED = 0.5;

    private static final double OTHER_STYLE_NAMED = 0.96;

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
            "%s emoji");
    /** "%s" is the noun without an article. */
    private static final List<String> BARE =
            List.of("%s", "%s", "%s", "%s emoji", "%s icon", "picture of %s", "emoji of %s");

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
            ", vector art",
            ", digital art",
            ", illustration",
            ", high quality",
            ", highly detailed",
            ", centered",
            ", emoji style");
    /** "%s" is the word for the style. */
    private static final List<String> STYLED =
            List.of(", %s style", ", %s style", ", %s style", " in %s style", ", %s");

    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";

    private final Concept concept;
    private final Style style;
    private final @Nullable Colour colour;
    private final boolean recoloured;
    private final List<String> keywords;

    /**
     * @param colour the colour captions may name; null for none
     * @param recoloured whether the picture was redrawn in that colour
     * @param keywords words that go with the picture
     */
    Captions(Concept concept, Style style, @Nullable Colour colour, boolean recoloured, List<String> keywords) {
        this.concept = concept;
        this.style = style;
        this.colour = colour;
        this.recoloured = recoloured;
        this.keywords = keywords;
    }

    /** The plainest caption that tells this picture from the others: "a green apple, noto style". */
    String title() {
        Noun noun = concept.nouns().get(0);
        return noun.withArticle(needsColour(0) ? word(colour) : "")
                + STYLED.get(0).formatted(style.word());
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
        if (random.nextDouble() < TRAILER) {
            caption += pick(TRAILERS, random);
        }
        if (!keywords.isEmpty() && random.nextDouble() < KEYWORD) {
            caption += ", " + pick(keywords, random);
        }
        boolean named = random.nextDouble() < (style.ordinal() == 0 ? STYLE_NAMED : OTHER_STYLE_NAMED);
        return named ? caption + pick(STYLED, random).formatted(style.word()) : caption;
    }

    /** All words that captions of these concepts can have, keywords and made-up words aside. */
    static Set<String> vocabulary(Collection<Concept> concepts) {
        Set<String> words = new TreeSet<>();
        Stream.of(
                        WITH_ARTICLE.stream(),
                        BARE.stream(),
                        ADJECTIVES.stream(),
                        TRAILERS.stream(),
                        STYLED.stream(),
                        Stream.of(Style.values()).map(Style::word),
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
