package dev.darkroom.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;

/** A program in {@code docs/clients.md}: each code block is one, and each that names {@code apple.png} writes it. */
record Snippet(String code) {

    private static final Path PAGE = Path.of("docs", "clients.md");

    /** Those in one language; there is at least one. */
    static List<Snippet> all(String language) throws IOException {
        Matcher blocks = Pattern.compile("^```" + language + "\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
                .matcher(Files.readString(PAGE));
        List<Snippet> all = new ArrayList<>();
        while (blocks.find()) {
            all.add(new Snippet(blocks.group(1)));
        }
        assertThat(all).as(language).isNotEmpty();
        return all;
    }

    /** With the server's address in the place of the usual one. */
    String text(String server) {
        assertThat(code).contains("http://localhost:8080");
        return code.replace("http://localhost:8080", server);
    }

    /** Looks at what the program has left in its folder. */
    void check(Path folder) throws IOException {
        if (code.contains("apple.png")) {
            assertThat(ImageIO.read(folder.resolve("apple.png").toFile()).getWidth())
                    .isEqualTo(64);
        }
    }
}
