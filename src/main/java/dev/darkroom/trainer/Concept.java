package dev.darkroom.trainer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One thing the model learns to draw; a line of {@code concepts.txt}, whose head explains the columns.
 *
 * @param emoji the {@link Emoji#name name} of the emoji that shows it
 * @param nouns what it shows, the common word first, then synonyms
 * @param first for each noun whether no earlier concept bears it: then the noun alone means this picture
 * @param colour its true colour, where people would name one
 * @param recolours other colours it is drawn in too
 */
record Concept(
        String emoji,
        List<Noun> nouns,
        List<Boolean> first,
        @Nullable Colour colour,
        List<Colour> recolours) {

    /** A noun with the article it takes: "a", "an", "the", or none ("grapes"). */
    record Noun(String article, String words) {
        static Noun parse(String text) {
            String[] parts = text.split(" ", 2);
            return parts.length == 2 && Set.of("a", "an", "the").contains(parts[0])
                    ? new Noun(parts[0], parts[1])
                    : new Noun("", text);
        }

        /** The noun with words before it, without an article: "red apple". */
        String bare(String modifiers) {
            return modifiers.isEmpty() ? words : modifiers + " " + words;
        }

        /** The noun with words before it and the article that then fits: "an orange car", "a red apple". */
        String withArticle(String modifiers) {
            if (article.isEmpty()) {
                return bare(modifiers);
            }
            String fitting = modifiers.isEmpty() || article.equals("the")
                    ? article
                    : "aeiou".indexOf(modifiers.charAt(0)) >= 0 ? "an" : "a";
            return fitting + " " + bare(modifiers);
        }
    }

    /** An emoji that is on no list: it is called what Unicode calls it. */
    static Concept of(Emoji emoji) {
        List<Noun> nouns =
                emoji.texts().stream().map(text -> new Noun("", text)).toList();
        return new Concept(emoji.name(), nouns, nouns.stream().map(noun -> true).toList(), null, List.of());
    }

    /**
     * Reads lines {@code emoji | nouns | colour | recolours}; {@code #} starts a comment line.
     *
     * @throws IllegalArgumentException naming the line that is not of this form
     */
    static List<Concept> parse(String text) {
        List<Concept> concepts = new ArrayList<>();
        Set<String> borne = new HashSet<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            if (!line.isBlank() && !line.startsWith("#")) {
                try {
                    concepts.add(parseLine(line, borne));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(
                            "Concept list, line %d: %s: \"%s\"".formatted(number, e.getMessage(), line), e);
                }
            }
        }
        return List.copyOf(concepts);
    }

    private static Concept parseLine(String line, Set<String> borne) {
        String[] columns = line.split("\\|");
        if (columns.length < 2 || columns.length > 4 || columns[1].isBlank()) {
            throw new IllegalArgumentException(
                    "expected 2 to 4 columns (emoji | nouns | colour | recolours), found " + columns.length);
        }
        List<Noun> nouns = Arrays.stream(columns[1].split(","))
                .map(noun -> Noun.parse(noun.strip()))
                .toList();
        String colour = columns.length > 2 ? columns[2].strip() : "";
        String recolours = columns.length > 3 ? columns[3].strip() : "";
        return new Concept(
                columns[0].strip(),
                nouns,
                nouns.stream().map(noun -> borne.add(noun.words)).toList(),
                colour.isEmpty() ? null : Colour.of(colour),
                recolours.isEmpty()
                        ? List.of()
                        : Arrays.stream(recolours.split(" +")).map(Colour::of).toList());
    }
}
