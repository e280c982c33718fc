package dev.darkroom.trainer;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Nine icons drawn for the tests, eight of them with a concept, as one style. */
final class Handmade {
    static final String CONCEPTS = """
            red-circle | a ball | red
            banana | a banana | yellow
            frog | a frog | green
            blue-book | a book | blue
            star | a star | orange
            crescent-moon | the moon | purple
            evergreen-tree | a tree | green
            cross-mark | a cross
            """;

    private Handmade() {}

    static Path file(String name) {
        try {
            return Path.of(
                    Objects.requireNonNull(Handmade.class.getResource(name)).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static IconSet icons() throws IOException {
        return IconSet.read(file("icons.json"));
    }

    static List<Emoji> emojis() throws IOException {
        return Emoji.read(file("emojis.json"), file("shortcodes.json"));
    }

    /** @param settings decide on size and pool; the icons are the first style */
    static Dataset dataset(Path work, Settings settings, String concepts) throws IOException {
        return Dataset.prepare(work, settings, Map.of(Style.NOTO, file("icons.json")), emojis(), concepts);
    }
}
