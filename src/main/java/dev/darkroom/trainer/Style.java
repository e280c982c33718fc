package dev.darkroom.trainer;

import java.util.Arrays;
import java.util.Locale;

/** One emoji designer's hand: an icon set and the word for it in captions. The first is what a prompt without a style means. */
enum Style {
    /** Noto Emoji by Google, Apache-2.0. */
    NOTO("noto@1.2.9"),
    /** Noto Emoji as drawn until 2017, with blobs for faces, by Google, Apache-2.0. */
    CLASSIC("noto-v1@1.2.5"),
    /** Fluent Emoji in flat colours by Microsoft, MIT. */
    FLAT("fluent-emoji-flat@1.2.6"),
    /** Fluent Emoji with gradients by Microsoft, MIT. */
    FLUENT("fluent-emoji@1.2.7"),
    /** FxEmojis by Mozilla, Apache-2.0. */
    FIREFOX("fxemoji@1.2.2"),
    /** Twemoji by Twitter and contributors, CC-BY-4.0. */
    TWEMOJI("twemoji@1.2.5");

    private final NpmPackage source;

    Style(String set) {
        this.source = new NpmPackage("@iconify-json/" + set);
    }

    /** The package whose {@code icons.json} has the icons. */
    NpmPackage source() {
        return source;
    }

    /** The word for it: {@code noto}. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Style of(String word) {
        return Arrays.stream(values())
                .filter(style -> style.word().equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Unknown style \"%s\", expected one of %s"
                        .formatted(
                                word, Arrays.stream(values()).map(Style::word).toList())));
    }
}
