package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IconSetTests {
    static IconSet handmade() throws IOException {
        try {
            return IconSet.read(Path.of(Objects.requireNonNull(IconSetTests.class.getResource("icons.json"))
                    .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void drawsAnIconInItsColoursOnWhite() throws IOException {
        Picture ball = handmade().render("ball", 128);

        assertThat(pixel(ball, 2, 2)).containsExactly(255, 255, 255);
        assertThat(pixel(ball, 64, 64)).containsExactly(0xf4, 0x43, 0x36);
        assertThat(pixel(ball, 64, 16)).containsExactly(0, 0, 0);
    }

    @Test
    void shrinkingMixesThePixelsItJoins() throws IOException {
        Picture brick = handmade().render("brick", 128).shrunk(64);

        assertThat(brick.size()).isEqualTo(2);
        assertThat(pixel(brick, 0, 0)).containsExactly(192, 192, 192); // half white, half 0x80
    }

    @Test
    void leavesHiddenIconsOut() throws IOException {
        assertThat(handmade().names()).containsExactly("ball", "brick");
    }

    @Test
    void namesTheIconThatIsMissing() throws IOException {
        IconSet icons = handmade();

        assertThatThrownBy(() -> icons.render("unicorn", 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"unicorn\"");
    }

    @Test
    void refusesAFileThatIsNoIconSet(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("icons.json"), "{\"name\": \"something\"}");

        assertThatThrownBy(() -> IconSet.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("\"icons\"");
    }

    @Test
    void takesASetBroughtByHandWithoutNpm(@TempDir Path folder) throws IOException {
        Files.writeString(
                folder.resolve("iconify-json-noto-1.2.9.json"),
                "{\"icons\": {\"dot\": {\"body\": \"<circle r='9' fill='red'/>\"}}}");

        assertThat(IconSet.fetch("@iconify-json/noto@1.2.9", folder).names()).containsExactly("dot");
    }

    static int[] pixel(Picture picture, int x, int y) {
        return new int[] {picture.value(x, y, 0), picture.value(x, y, 1), picture.value(x, y, 2)};
    }
}
