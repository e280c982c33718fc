package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetTests {
    private static final String CONCEPTS = "ball | a ball | red | blue\nbrick | a brick | grey\n";

    @TempDir
    Path folder;

    @Test
    void holdsEveryConceptAndRecolouring() throws IOException {
        Dataset dataset = prepare(CONCEPTS);

        assertThat(dataset.size()).isEqualTo(3);
        assertThat(dataset.vaeSize()).isEqualTo(3); // two icons, one recolouring
        assertThat(Stream.of(0, 1, 2).map(dataset::title)).containsExactly("a ball", "a blue ball", "a brick");
        assertThat(dataset.weight(1)).isLessThan(dataset.weight(0));
        Picture blue = new Picture(64, dataset.rgb(1));
        assertThat(blue.value(32, 32, 2)).isGreaterThan(blue.value(32, 32, 0) + 100);
    }

    @Test
    void picturesAreChannelsFirstFromMinusOneToOne() throws IOException {
        float[] image = prepare(CONCEPTS).image(0);
        int centre = 32 * 64 + 32;

        assertThat(image).hasSize(3 * 64 * 64);
        assertThat(image[0]).isEqualTo(1);
        assertThat(image[centre]).isCloseTo(0xf4 / 127.5f - 1, Offset.offset(1e-6f));
        assertThat(image[64 * 64 + centre]).isCloseTo(0x43 / 127.5f - 1, Offset.offset(1e-6f));
    }

    @Test
    void aViewMirrorsShrinksAndMoves() {
        byte[] rgb = new byte[64 * 64 * 3]; // black but for one white column
        for (int y = 0; y < 64; y++) {
            for (int c = 0; c < 3; c++) {
                rgb[(y * 64 + 10) * 3 + c] = -1;
            }
        }
        Picture picture = new Picture(64, rgb);

        assertThat(new View(true, 1, 0, 0).of(picture)[53]).isEqualTo(1);
        assertThat(new View(false, 1, 3, 0).of(picture)[13]).isEqualTo(1);
        assertThat(new View(false, 0.5, 0, 0).of(picture)[32 * 64]).isEqualTo(1); // white margin
        assertThat(View.WHOLE.of(picture)[32 * 64]).isEqualTo(-1);
    }

    @Test
    void augmentedPicturesStayInRangeAndFollowTheRandomNumbers() throws IOException {
        Dataset dataset = prepare(CONCEPTS);
        Random random = new Random(1);

        for (int i = 0; i < 50; i++) {
            for (float value : dataset.image(1, random, true)) {
                assertThat(value).isBetween(-1.00001f, 1.00001f);
            }
        }
        assertThat(dataset.image(1, new Random(5), true)).isEqualTo(dataset.image(1, new Random(5), true));
    }

    @Test
    void drawnPicturesAreKept() throws IOException {
        Dataset drawn = prepare(CONCEPTS);
        Path cache = folder.resolve("pictures.bin");
        FileTime longAgo = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(cache, longAgo);

        assertThat(prepare(CONCEPTS).rgb(1)).isEqualTo(drawn.rgb(1));
        assertThat(Files.getLastModifiedTime(cache)).isEqualTo(longAgo);

        assertThat(prepare(CONCEPTS.replace("blue", "green")).rgb(1)).isNotEqualTo(drawn.rgb(1));
        assertThat(Files.getLastModifiedTime(cache)).isNotEqualTo(longAgo);
    }

    @Test
    void aCutCacheIsDrawnAnew() throws IOException {
        Dataset drawn = prepare(CONCEPTS);
        Path cache = folder.resolve("pictures.bin");
        byte[] bytes = Files.readAllBytes(cache);
        Files.write(cache, Arrays.copyOf(bytes, bytes.length - 100));

        assertThat(prepare(CONCEPTS).rgb(2)).isEqualTo(drawn.rgb(2));
        assertThat(cache).hasBinaryContent(bytes);
    }

    @Test
    void aFailedDrawingLeavesNothingBehind() {
        assertThatThrownBy(() -> prepare(CONCEPTS + "unicorn | a unicorn\n")).hasMessageContaining("\"unicorn\"");
        assertThat(folder).isEmptyDirectory();

        assertThatThrownBy(() -> AtomicFiles.write(folder.resolve("file"), out -> {
                    out.write(1);
                    throw new IOException("disk full");
                }))
                .hasMessage("disk full");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void theContactSheetShowsThePictures() throws IOException {
        Path png = folder.resolve("contact.png");
        prepare(CONCEPTS).contactSheet(png);

        assertThat(ImageIO.read(png.toFile()).getRGB(16 + 32, 4 + 32)).isEqualTo(0xfff44336);
    }

    private Dataset prepare(String concepts) throws IOException {
        return Dataset.prepare(folder, IconSetTests.handmade(), concepts);
    }
}
