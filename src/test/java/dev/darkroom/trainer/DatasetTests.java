package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetTests {
    private static final String CONCEPTS = "red-circle | a ball | red | blue\nbanana | a banana | yellow\n";

    @TempDir
    Path folder;

    @Test
    void holdsEveryConceptAndRecolouring() throws IOException {
        Dataset dataset = prepare(Settings.overfit(), CONCEPTS);
        List<Sample> samples = dataset.samples(Sample.Use.LISTED);

        assertThat(samples)
                .extracting(Sample::title)
                .containsExactly("a ball, noto style", "a blue ball, noto style", "a banana, noto style");
        assertThat(samples.get(1).weight()).isLessThan(samples.get(0).weight());
        Icon blue = samples.get(1).picture();
        assertThat(blue.size()).isEqualTo(32);
        assertThat(blue.value(16, 16, 2)).isGreaterThan(blue.value(16, 16, 0) + 100);
        assertThat(dataset.samples(Sample.Use.POOL, Sample.Use.HELD_OUT)).isEmpty();
    }

    @Test
    void otherEmojiAreAPoolUnderTheirOwnNames() throws IOException {
        Dataset dataset = prepare(Settings.full(), CONCEPTS);

        assertThat(dataset.size()).isEqualTo(128);
        assertThat(dataset.samples(Sample.Use.POOL))
                .extracting(sample -> sample.concept().emoji())
                .containsExactlyInAnyOrder(
                        "brick", "frog", "blue-book", "star", "crescent-moon", "evergreen-tree", "cross-mark");
        assertThat(dataset.samples(Sample.Use.POOL).stream()
                        .map(sample -> sample.caption(new Random(1)))
                        .toList())
                .anyMatch(caption -> caption.contains("cross mark"));
    }

    @Test
    void aWrongColourIsNotNamed() throws IOException {
        List<Sample> samples = prepare(Settings.overfit(), CONCEPTS.replace("yellow", "blue | red"))
                .samples(Sample.Use.LISTED);

        assertThat(samples).hasSize(3); // the banana is yellow: called a banana only, and not recoloured
        assertThat(samples.get(2).colour()).isNull();
    }

    @Test
    void whatIsHeldOutIsHeldOutInItsStyle() {
        HeldOut heldOut = new HeldOut(
                Set.of("star"), List.of(new EvaluationPrompt("a frog, flat style", "frog", Style.FLAT, null)));

        assertThat(heldOut.contains("star", Style.NOTO)).isTrue();
        assertThat(heldOut.contains("frog", Style.FLAT)).isTrue();
        assertThat(heldOut.contains("frog", Style.NOTO)).isFalse();
    }

    @Test
    void twoEmojiThatAnswerToOneNameGetNoIcon() throws IOException {
        Path emojis = Files.writeString(folder.resolve("emojis.json"), """
                [{"label": "banana", "hexcode": "1F34C", "group": 4},
                 {"label": "plantain", "hexcode": "1F34C-1", "group": 4},
                 {"label": "frog", "hexcode": "1F438", "group": 3}]
                """);
        Path codes = Files.writeString(folder.resolve("codes.json"), "{\"1F34C-1\": \"banana\"}");
        Dataset dataset = Dataset.prepare(
                folder,
                Settings.full(),
                Map.of(Style.NOTO, Handmade.file("icons.json")),
                Emoji.read(emojis, codes),
                "frog | a frog");

        assertThat(dataset.samples(Sample.Use.LISTED, Sample.Use.POOL))
                .extracting(sample -> sample.concept().emoji())
                .containsExactly("frog");
    }

    @Test
    void aConceptThatIsNoEmojiIsNamed() {
        assertThatThrownBy(() -> prepare(Settings.overfit(), "unicorn | a unicorn"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"unicorn\"");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void picturesAreChannelsFirstFromMinusOneToOne() throws IOException {
        float[] planes = prepare(Settings.full(), CONCEPTS)
                .samples(Sample.Use.LISTED)
                .get(0)
                .picture()
                .planes();
        int centre = 64 * 128 + 64;

        assertThat(planes).hasSize(3 * 128 * 128);
        assertThat(planes[0]).isEqualTo(1);
        assertThat(planes[centre]).isCloseTo(0xf4 / 127.5f - 1, Offset.offset(1e-6f));
        assertThat(planes[128 * 128 + centre]).isCloseTo(0x43 / 127.5f - 1, Offset.offset(1e-6f));
    }

    @Test
    void planesAndPicturesAreTheSame() throws IOException {
        Icon picture = Handmade.icons().render("frog", 32);

        assertThat(Icon.ofPlanes(picture.planes(), 0, 32).rgb()).isEqualTo(picture.rgb());
        assertThat(View.WHOLE.of(picture)).containsExactly(picture.planes(), Offset.offset(1e-6f));
        assertThat(Icon.ofPlanes(new float[] {-3, 0, 3}, 0, 1).rgb()).containsExactly(0, (byte) 128, -1);
    }

    @Test
    void meanSquareAndPsnrAreWhatTheyAreCalled() {
        Icon black = new Icon(1, new byte[3]);
        Icon grey = new Icon(1, new byte[] {10, 10, 10});

        assertThat(black.meanSquare(grey)).isEqualTo(100);
        assertThat(VaeStage.psnr(100)).isCloseTo(28.13, Offset.offset(0.01));
    }

    @Test
    void aViewMirrorsShrinksAndMoves() {
        byte[] rgb = new byte[64 * 64 * 3]; // black but for one white column
        for (int y = 0; y < 64; y++) {
            for (int c = 0; c < 3; c++) {
                rgb[(y * 64 + 10) * 3 + c] = -1;
            }
        }
        Icon picture = new Icon(64, rgb);

        assertThat(new View(true, 1, 0, 0).of(picture)[53]).isEqualTo(1);
        assertThat(new View(false, 1, 3, 0).of(picture)[13]).isEqualTo(1);
        assertThat(new View(false, 0.5, 0, 0).of(picture)[32 * 64]).isEqualTo(1); // white margin
        assertThat(View.WHOLE.of(picture)[32 * 64]).isEqualTo(-1);
        assertThat(View.draw(new Random(5), 64, true)).isEqualTo(View.draw(new Random(5), 64, true));
    }

    @Test
    void drawnPicturesAreKept() throws IOException {
        byte[] drawn = rgb(CONCEPTS, 1);
        Path cache = folder.resolve("pictures.bin");
        FileTime longAgo = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(cache, longAgo);

        assertThat(rgb(CONCEPTS, 1)).isEqualTo(drawn);
        assertThat(Files.getLastModifiedTime(cache)).isEqualTo(longAgo);

        assertThat(rgb(CONCEPTS.replace("blue", "green"), 1)).isNotEqualTo(drawn);
        assertThat(Files.getLastModifiedTime(cache)).isNotEqualTo(longAgo);
    }

    @Test
    void aCutCacheIsDrawnAnew() throws IOException {
        byte[] drawn = rgb(CONCEPTS, 2);
        Path cache = folder.resolve("pictures.bin");
        byte[] bytes = Files.readAllBytes(cache);
        Files.write(cache, Arrays.copyOf(bytes, bytes.length - 100));

        assertThat(rgb(CONCEPTS, 2)).isEqualTo(drawn);
        assertThat(cache).hasBinaryContent(bytes);
    }

    @Test
    void aFailedWriteLeavesNothingBehind() {
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
        prepare(Settings.full(), CONCEPTS).contactSheet(png);

        assertThat(ImageIO.read(png.toFile()).getRGB(64, 64)).isEqualTo(0xfff44336);
    }

    private byte[] rgb(String concepts, int sample) throws IOException {
        return prepare(Settings.overfit(), concepts)
                .samples(Sample.Use.LISTED)
                .get(sample)
                .picture()
                .rgb();
    }

    private Dataset prepare(Settings settings, String concepts) throws IOException {
        return Handmade.dataset(folder, settings, concepts);
    }
}
