package dev.darkroom.picture;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContactSheetTests {

    private static Picture grey(int width, int height, int value) {
        byte[] rgb = new byte[3 * width * height];
        Arrays.fill(rgb, (byte) value);
        return new Picture(width, height, rgb);
    }

    private static int at(Picture sheet, int x, int y) {
        return sheet.rgb()[3 * (y * sheet.width() + x)] & 255;
    }

    @Test
    void laysPicturesOutInRowsWithWhiteBetween() {
        ContactSheet sheet = new ContactSheet(5, 20, 10);
        for (int i = 0; i < 5; i++) {
            sheet.put(i, grey(20, 10, 10 * i));
        }
        Picture picture = sheet.picture();
        assertThat(picture.width()).isEqualTo(3 * 20 + 2 * 8);
        assertThat(picture.height()).isEqualTo(2 * 10 + 8);
        assertThat(at(picture, 19, 0)).isZero();
        assertThat(at(picture, 20, 0)).isEqualTo(255);
        assertThat(at(picture, 28, 9)).isEqualTo(10);
        assertThat(at(picture, 75, 0)).isEqualTo(20);
        assertThat(at(picture, 0, 18)).isEqualTo(30);
        assertThat(at(picture, 28, 27)).isEqualTo(40);
        assertThat(at(picture, 75, 27)).isEqualTo(255);
    }

    @ParameterizedTest
    @CsvSource({"8, 2048, 2048", "2, 2048, 64", "8, 64, 2048", "1, 2048, 2048", "4, 1024, 768"})
    void staysWithinItsBounds(int pictures, int width, int height) {
        ContactSheet sheet = new ContactSheet(pictures, width, height);
        sheet.put(pictures - 1, grey(width, height, 77));
        assertThat(sheet.picture().width()).isLessThanOrEqualTo(2048);
        assertThat(sheet.picture().height()).isLessThanOrEqualTo(2048);
        assertThat(Math.max(sheet.picture().width(), sheet.picture().height())).isGreaterThan(1000);
    }

    @Test
    void scalesByTheMean() {
        ContactSheet sheet = new ContactSheet(1, 4096, 4096);
        byte[] stripes = new byte[3 * 4096 * 4096];
        for (int i = 0; i < stripes.length; i++) {
            stripes[i] = (byte) (i / 3 % 2 == 0 ? 100 : 200);
        }
        sheet.put(0, new Picture(4096, 4096, stripes));
        assertThat(sheet.picture().width()).isEqualTo(2048);
        assertThat(at(sheet.picture(), 1000, 1000)).isEqualTo(150);
    }
}
