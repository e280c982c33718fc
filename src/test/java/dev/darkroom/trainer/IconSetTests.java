package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IconSetTests {
    @Test
    void drawsAnIconInItsColoursOnWhite() throws IOException {
        Icon ball = Handmade.icons().render("red-circle", 128);

        assertThat(pixel(ball, 2, 2)).containsExactly(255, 255, 255);
        assertThat(pixel(ball, 64, 64)).containsExactly(0xf4, 0x43, 0x36);
        assertThat(pixel(ball, 64, 16)).containsExactly(0, 0, 0);
    }

    @Test
    void shrinkingMixesThePixelsItJoins() throws IOException {
        Icon brick = Handmade.icons().render("brick", 128).shrunk(64);

        assertThat(brick.size()).isEqualTo(2);
        assertThat(pixel(brick, 0, 0)).containsExactly(192, 192, 192); // half white, half 0x80
    }

    @Test
    void leavesHiddenIconsOut() throws IOException {
        assertThat(Handmade.icons().names()).contains("brick").doesNotContain("withdrawn");
    }

    @Test
    void findsAnEmojiByAnyOfItsNames() throws IOException {
        IconSet icons = Handmade.icons();

        assertThat(icons.find(emoji("banana"))).contains("banana");
        assertThat(icons.find(emoji("blue-book"))).contains("bluebook"); // names run together
        assertThat(icons.find(emoji("evergreen-tree"))).contains("tree"); // by an alias that is a short code
    }

    @Test
    void leavesSkinTonesFlagsLettersAndKeycapsOut() throws IOException {
        assertThat(Handmade.emojis()).hasSize(9).extracting(Emoji::name).contains("brick", "cross-mark");
    }

    @Test
    void anEmojiGoesByItsCharacterNameToo() throws IOException {
        assertThat(emoji("star").texts()).containsExactly("star", "white medium star");
        assertThat(emoji("red-circle").texts()).containsExactly("red circle", "large red circle");
        assertThat(emoji("red-circle").keywords()).containsExactly("red", "geometric");
    }

    @Test
    void namesTheIconThatIsMissing() throws IOException {
        IconSet icons = Handmade.icons();

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
        Path file = Files.writeString(
                folder.resolve("iconify-json-noto-1.2.9.json"),
                "{\"icons\": {\"dot\": {\"body\": \"<circle r='9' fill='red'/>\"}}}");

        assertThat(Style.NOTO.source().fetch(folder, "icons.json")).isEqualTo(file);
    }

    private static Emoji emoji(String name) throws IOException {
        return Handmade.emojis().stream()
                .filter(emoji -> emoji.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static int[] pixel(Icon picture, int x, int y) {
        return new int[] {picture.value(x, y, 0), picture.value(x, y, 1), picture.value(x, y, 2)};
    }
}
