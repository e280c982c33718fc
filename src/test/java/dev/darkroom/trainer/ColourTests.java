package dev.darkroom.trainer;

import static dev.darkroom.trainer.IconSetTests.pixel;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ColourTests {
    @Test
    void replacesTheMainColour() throws IOException {
        int[] blue = pixel(Colour.BLUE.replaceMainColourOf(Handmade.icons().render("red-circle", 128)), 64, 64);

        assertThat(blue[0]).isCloseTo(0x1e, Offset.offset(2));
        assertThat(blue[1]).isCloseTo(0x88, Offset.offset(2));
        assertThat(blue[2]).isCloseTo(0xe5, Offset.offset(2));
    }

    @Test
    void keepsOutlineAndBackground() throws IOException {
        Icon red = Handmade.icons().render("red-circle", 128);
        Icon yellow = Colour.YELLOW.replaceMainColourOf(red);

        for (int y = 0; y < 128; y++) {
            for (int x = 0; x < 128; x++) {
                double radius = Math.hypot(x - 63.5, y - 63.5);
                if (radius > 45.5) { // the outline's inner edge lies at 44
                    assertThat(pixel(yellow, x, y)).as("pixel %d, %d", x, y).containsExactly(pixel(red, x, y));
                }
            }
        }
    }

    @Test
    void keepsShadesApart() {
        byte[] rgb = {(byte) 0xf4, 0x43, 0x36, (byte) 0xf4, 0x43, 0x36, (byte) 0xb0, 0x20, 0x18, -1, -1, -1};
        Icon green = Colour.GREEN.replaceMainColourOf(new Icon(2, rgb));

        assertThat(green.value(0, 0, 1)).isGreaterThan(green.value(0, 1, 1));
        assertThat(green.value(0, 1, 1)).isGreaterThan(green.value(0, 1, 0));
        assertThat(pixel(green, 1, 1)).containsExactly(255, 255, 255);
    }

    @Test
    void refusesAPictureWithoutColour() throws IOException {
        Icon brick = Handmade.icons().render("brick", 64);

        assertThatThrownBy(() -> Colour.RED.replaceMainColourOf(brick))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("colourless");
    }

    @Test
    void knowsAMainColourByItsHue() throws IOException {
        Icon ball = Handmade.icons().render("red-circle", 64);

        assertThat(Colour.RED.isMainColourOf(ball)).isTrue();
        assertThat(Colour.BLUE.isMainColourOf(ball)).isFalse();
        assertThat(Colour.BLUE.isMainColourOf(Colour.BLUE.replaceMainColourOf(ball)))
                .isTrue();
        assertThat(Colour.BLACK.isMainColourOf(ball)).isTrue(); // not asked
        assertThat(Colour.isIn(ball)).isTrue();
        assertThat(Colour.isIn(Handmade.icons().render("brick", 64))).isFalse();
    }
}
