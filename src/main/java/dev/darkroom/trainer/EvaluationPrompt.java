package dev.darkroom.trainer;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A caption of evaluation, and which picture it asks for.
 *
 * @param emoji the {@link Emoji#name name}
 * @param colour of a recolouring; null for the picture as its designer drew it
 */
record EvaluationPrompt(
        String text, String emoji, Style style, @Nullable Colour colour) {

    /**
     * Reads lines {@code caption | emoji | style | colour}; {@code #} starts a comment line.
     *
     * @throws IllegalArgumentException naming the line that is not of this form
     */
    static List<EvaluationPrompt> parse(String text) {
        return text.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(line -> {
                    String[] columns = line.split("\\|");
                    if (columns.length < 3 || columns.length > 4) {
                        throw new IllegalArgumentException(
                                "Expected \"caption | emoji | style | colour\", the colour optional, found \"" + line
                                        + "\"");
                    }
                    String colour = columns.length > 3 ? columns[3].strip() : "";
                    return new EvaluationPrompt(
                            columns[0].strip(),
                            columns[1].strip(),
                            Style.of(columns[2].strip()),
                            colour.isEmpty() ? null : Colour.of(colour));
                })
                .toList();
    }

    static EvaluationPrompt of(Sample sample) {
        return new EvaluationPrompt(
                sample.title(), sample.concept().emoji(), sample.style(), sample.recoloured() ? sample.colour() : null);
    }

    boolean asksFor(Sample sample) {
        return sample.concept().emoji().equals(emoji)
                && sample.style() == style
                && (sample.recoloured() ? sample.colour() == colour : colour == null);
    }

    /** The line that {@link #parse} reads. */
    @Override
    public String toString() {
        return "%s | %s | %s%s"
                .formatted(
                        text,
                        emoji,
                        style.word(),
                        colour == null ? "" : " | " + colour.name().toLowerCase(Locale.ROOT));
    }
}
