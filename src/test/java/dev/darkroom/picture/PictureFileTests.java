package dev.darkroom.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.request.Output;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Prompt;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of ours, and those that {@code src/test/reference/pictures_reference.py} makes. */
class PictureFileTests {

    private static final Path FOLDER = Path.of("src/test/resources/pictures");

    /** Texts that are no longer taken are still read from files. */
    private static final Prompt PROMPT =
            new Prompt("a red <apple> & \"two\" \u00e9, \u308a\u3093\u3054 \ud83c\udf4e \ud83c, \u0001", "blurry", 1);

    private static final Recipe RECIPE = recipe();

    private static Recipe recipe() {
        Request like = Requests.of(
                "my-model",
                Map.of(
                        "prompt",
                        "a red apple",
                        "width",
                        12,
                        "height",
                        8,
                        "guidance_scale",
                        4.5,
                        "guidance_rescale",
                        0.7,
                        "seed",
                        41,
                        "n",
                        3,
                        "sampler",
                        "dpmpp_2m",
                        "schedule",
                        "karras"));
        return Recipe.of(
                new Request(
                        like.model(),
                        PROMPT,
                        like.size(),
                        like.sampling(),
                        like.guidance(),
                        like.seeds(),
                        like.run(),
                        like.output()),
                1);
    }

    /** 12 × 8: red rises to the right, green rises downwards, blue is even. */
    private static Picture gradient() {
        byte[] rgb = new byte[3 * 12 * 8];
        for (int i = 0; i < 12 * 8; i++) {
            rgb[3 * i] = (byte) (i % 12 * 20);
            rgb[3 * i + 1] = (byte) (i / 12 * 30);
            rgb[3 * i + 2] = 100;
        }
        return new Picture(12, 8, rgb);
    }

    static byte[] file(String name) {
        try {
            return Files.readAllBytes(FOLDER.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PictureFile read(byte[] file) {
        try {
            return PictureFile.read(new ByteArrayInputStream(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Reason refusal(byte[] file) {
        InvalidPicture read = catchThrowableOfType(InvalidPicture.class, () -> read(file));
        InvalidPicture decoded = catchThrowableOfType(InvalidPicture.class, () -> PictureFile.decode(file));
        assertThat(read.reason()).isEqualTo(decoded.reason());
        assertThat(read).hasMessage(decoded.getMessage());
        return read.reason();
    }

    static Stream<Output> outputs() {
        return Stream.of(
                Output.PNG,
                Output.of(OutputFormat.JPEG),
                Output.of(OutputFormat.WEBP),
                new Output(OutputFormat.WEBP, Output.LOSSLESS),
                new Output(OutputFormat.JPEG, 0),
                new Output(OutputFormat.WEBP, 0));
    }

    @ParameterizedTest
    @MethodSource("outputs")
    void keepsTheRecipeInEveryFormat(Output output) {
        PictureFile read = read(PictureFile.encode(gradient(), output, RECIPE));
        assertThat(read.format()).isEqualTo(output.format());
        assertThat(read.width()).isEqualTo(12);
        assertThat(read.height()).isEqualTo(8);
        assertThat(read.recipe().map(Recipe::json)).contains(RECIPE.json());
        assertThat(read.recipe().orElseThrow().request()).containsEntry("seed", 42);
    }

    @ParameterizedTest
    @MethodSource("outputs")
    void marksEveryPictureAsMadeByATrainedAlgorithm(Output output) {
        for (Recipe recipe : new Recipe[] {RECIPE, null}) {
            String text = new String(PictureFile.encode(gradient(), output, recipe), StandardCharsets.ISO_8859_1);
            assertThat(text)
                    .contains("<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/"
                            + "trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>");
        }
    }

    @Test
    void losesNothingInPngAndLosslessWebp() {
        Picture noise = noise(97, 61);
        for (Output output : List.of(Output.PNG, new Output(OutputFormat.WEBP, Output.LOSSLESS))) {
            Picture decoded = PictureFile.decode(PictureFile.encode(noise, output, RECIPE));
            assertThat(decoded.width()).isEqualTo(97);
            assertThat(decoded.rgb()).isEqualTo(noise.rgb());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"JPEG", "WEBP"})
    void losesLessAtHigherQuality(OutputFormat format) {
        Picture smooth = smooth(96, 96);
        int before = -1;
        double errorBefore = 256;
        for (int compression : new int[] {10, 50, 90}) {
            byte[] file = PictureFile.encode(smooth, new Output(format, compression), null);
            double error = error(PictureFile.decode(file).rgb(), smooth.rgb());
            assertThat(file.length).isGreaterThan(before);
            assertThat(error).isLessThan(errorBefore);
            before = file.length;
            errorBefore = error;
        }
        assertThat(errorBefore).isLessThan(2);
    }

    @Test
    void givesTheSameBytesForTheSamePicture() {
        outputs()
                .forEach(output -> assertThat(PictureFile.encode(gradient(), output, RECIPE))
                        .isEqualTo(PictureFile.encode(gradient(), output, RECIPE)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain.png", "lossless.webp", "rgb-16.png"})
    void readsPixelsOfOthersExactly(String name) {
        assertThat(PictureFile.decode(file(name)).rgb()).isEqualTo(gradient().rgb());
    }

    @ParameterizedTest
    @ValueSource(strings = {"baseline.jpg", "progressive.jpg", "palette.png"})
    void readsPixelsOfOthersNearly(String name) {
        assertThat(error(PictureFile.decode(file(name)).rgb(), gradient().rgb()))
                .isLessThan(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"grey.png", "grey.jpg"})
    void readsGreyAsItIs(String name) {
        byte[] rgb = PictureFile.decode(file(name)).rgb();
        int[] luma = luma(gradient());
        for (int i = 0; i < luma.length; i++) {
            assertThat(rgb[3 * i] & 255).isCloseTo(luma[i], org.assertj.core.data.Offset.offset(2));
            assertThat(rgb[3 * i + 1]).isEqualTo(rgb[3 * i]);
            assertThat(rgb[3 * i + 2]).isEqualTo(rgb[3 * i]);
        }
    }

    @Test
    void readsBlackAndWhite() {
        byte[] rgb = PictureFile.decode(file("bilevel.png")).rgb();
        int[] luma = luma(gradient());
        for (int i = 0; i < luma.length; i++) {
            assertThat(rgb[3 * i] & 255).isEqualTo(luma[i] > 80 ? 255 : 0);
        }
    }

    @Test
    void bringsSixteenBitsToEight() {
        assertThat(read(file("grey-16.png")).bitsPerSample()).isEqualTo(16);
        byte[] rgb = PictureFile.decode(file("grey-16.png")).rgb();
        for (int x = 0; x < 12; x++) {
            assertThat(rgb[3 * x] & 255).isEqualTo(Math.round(x * 5000 / 257f));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"alpha.png", "alpha.webp"})
    void putsTransparentPixelsOnWhite(String name) {
        byte[] rgb = PictureFile.decode(file(name)).rgb();
        for (int i = 0; i < 12 * 8; i++) {
            int alpha = i % 12 < 6 ? 0 : i % 12 < 9 ? 128 : 255;
            int red = i % 12 * 20;
            assertThat(rgb[3 * i] & 255).isEqualTo(Math.round((red * alpha + 255 * (255 - alpha)) / 255f));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "turned-1.png",
        "turned-2.png",
        "turned-3.png",
        "turned-4.png",
        "turned-5.png",
        "turned-6.png",
        "turned-7.png",
        "turned-8.png",
        "turned-6.webp"
    })
    void turnsPixelsUprightAsExifSays(String name) {
        PictureFile read = read(file(name));
        assertThat(read.orientation()).isEqualTo(name.charAt(7) - '0');
        assertThat(read.width()).isEqualTo(read.orientation() < 5 ? 12 : 8);
        Picture decoded = PictureFile.decode(file(name));
        assertThat(decoded.width()).isEqualTo(12);
        assertThat(decoded.rgb()).isEqualTo(gradient().rgb());
    }

    @Test
    void turnsJpegUprightToo() {
        Picture decoded = PictureFile.decode(file("turned-6.jpg"));
        assertThat(decoded.width()).isEqualTo(12);
        assertThat(error(decoded.rgb(), gradient().rgb())).isLessThan(3);
    }

    @Test
    void readsTheRecipeButNotThePixelsOfCmyk() {
        assertThat(read(file("cmyk.jpg")).recipe()).isEmpty();
        assertThatThrownBy(() -> PictureFile.decode(file("cmyk.jpg")))
                .isInstanceOfSatisfying(
                        InvalidPicture.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Reason.UNSUPPORTED))
                .hasMessageContaining("CMYK");
    }

    @ParameterizedTest
    @ValueSource(strings = {"animated.png", "animated.webp"})
    void refusesAnimatedPictures(String name) {
        assertThat(refusal(file(name))).isEqualTo(Reason.UNSUPPORTED);
    }

    @Test
    void refusesWhatIsNoPicture() {
        assertThat(refusal(file("animated.gif"))).isEqualTo(Reason.UNKNOWN_FORMAT);
        assertThat(refusal("{\"prompt\":\"a\"}".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(Reason.UNKNOWN_FORMAT);
        assertThat(refusal("RIFF\4\0\0\0WAVE".getBytes(StandardCharsets.UTF_8))).isEqualTo(Reason.UNKNOWN_FORMAT);
        assertThat(refusal(new byte[0])).isEqualTo(Reason.DAMAGED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain.png",
                "webui.png",
                "baseline.jpg",
                "progressive.jpg",
                "webui.jpg",
                "lossy.webp",
                "lossless.webp",
                "webui.webp"
            })
    void refusesEveryFileThatIsCutShort(String name) {
        byte[] whole = file(name);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            if (length == whole.length - 1 && name.endsWith(".webp") && whole[length] == 0) {
                continue; // the last chunk's padding
            }
            assertThatThrownBy(() -> read(part))
                    .as(name + " cut to " + part.length)
                    .isInstanceOf(InvalidPicture.class);
            assertThatThrownBy(() -> PictureFile.decode(part)).isInstanceOf(InvalidPicture.class);
        }
    }

    @ParameterizedTest
    @MethodSource("outputs")
    void neverFailsOtherwiseThanByRefusing(Output output) {
        byte[] whole = PictureFile.encode(gradient(), output, RECIPE);
        Random random = new Random(output.hashCode());
        for (int round = 0; round < 2000; round++) {
            byte[] broken = whole.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
            }
            try {
                read(broken);
                if (output.format() != OutputFormat.JPEG || round < 200) { // slow there: each has tables to set up
                    PictureFile.decode(broken);
                }
            } catch (InvalidPicture refused) {
                assertThat(refused).message().isNotBlank();
            }
        }
    }

    @Test
    void noticesEveryChangedByteOfAPng() {
        byte[] whole = PictureFile.encode(gradient(), Output.PNG, RECIPE);
        for (int i = 0; i < whole.length; i++) {
            byte[] broken = whole.clone();
            broken[i] ^= 0x20;
            assertThatThrownBy(() -> read(broken)).as("byte " + i).isInstanceOf(InvalidPicture.class);
        }
    }

    @Test
    void refusesABombByItsHeader() throws IOException {
        byte[] bomb = file("bomb.png");
        assertThat(refusal(bomb)).isEqualTo(Reason.TOO_MANY_PIXELS); // and everything is loaded
        assertThat(cost(() -> refusal(bomb))).satisfies(PictureFileTests::isSmall);
        byte[] jpeg = PictureFile.encode(gradient(), Output.of(OutputFormat.JPEG), null);
        for (int i = 0; ; i++) {
            if (jpeg[i] == (byte) 0xff && jpeg[i + 1] == (byte) 0xc0) {
                ByteBuffer.wrap(jpeg).putShort(i + 5, (short) 65500).putShort(i + 7, (short) 65500);
                break;
            }
        }
        assertThat(cost(() -> assertThat(refusal(jpeg)).isEqualTo(Reason.TOO_MANY_PIXELS)))
                .satisfies(PictureFileTests::isSmall);
        byte[] webp = file("lossless.webp");
        Arrays.fill(webp, 21, 25, (byte) 0xff);
        assertThat(cost(() -> assertThat(refusal(webp)).isEqualTo(Reason.TOO_MANY_PIXELS)))
                .satisfies(PictureFileTests::isSmall);
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-bomb.png", "text-bomb-international.png"})
    void refusesTextThatUnpacksWithoutEnd(String name) {
        byte[] bomb = file(name);
        assertThat(refusal(bomb)).isEqualTo(Reason.BAD_RECIPE);
        assertThat(cost(() -> refusal(bomb))).satisfies(PictureFileTests::isSmall);
    }

    @Test
    void skipsTextsBeyondTheFirstFewSoThatManyBombsCostNoMoreThanOne() {
        byte[] packed = chunkOf(file("webui-packed.png"), "zTXt");
        byte[] foreign = packed.clone();
        foreign[8] = 'P';
        CRC32 crc = new CRC32();
        crc.update(foreign, 4, foreign.length - 8);
        ByteBuffer.wrap(foreign).putInt(foreign.length - 4, (int) crc.getValue());
        byte[] plain = file("plain.png");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(plain, 0, 33);
        for (int i = 0; i < 50_000; i++) {
            out.writeBytes(i < 20 ? foreign : packed);
        }
        out.write(plain, 33, plain.length - 33);
        byte[] many = out.toByteArray();
        assertThat(read(many).recipe()).isPresent();
        assertThat(cost(() -> read(many))[1]).isLessThan(40_000_000L);
    }

    @Test
    void skipsOtherMetadataHoweverHuge() {
        byte[] plain = PictureFile.encode(gradient(), Output.PNG, RECIPE);
        byte[] chunk = new byte[12 + 20_000_000];
        ByteBuffer.wrap(chunk).putInt(20_000_000).put("tEXtComment\0".getBytes(StandardCharsets.ISO_8859_1));
        CRC32 crc = new CRC32();
        crc.update(chunk, 4, chunk.length - 8);
        ByteBuffer.wrap(chunk).putInt(chunk.length - 4, (int) crc.getValue());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(plain, 0, 33);
        out.writeBytes(chunk);
        out.write(plain, 33, plain.length - 33);
        byte[] huge = out.toByteArray();
        assertThat(read(huge).recipe().map(Recipe::json)).contains(RECIPE.json());
        assertThat(cost(() -> read(huge))[1]).isLessThan(5_000_000L);
        assertThat(PictureFile.decode(huge).rgb()).isEqualTo(gradient().rgb());
    }

    @ParameterizedTest
    @ValueSource(strings = {"webui.png", "webui-packed.png", "webui.jpg", "webui.webp"})
    void readsWhatTheWebUiWrote(String name) {
        Recipe recipe = read(file(name)).recipe().orElseThrow();
        assertThat(recipe.unsupported()).isEmpty();
        assertThat(recipe.request())
                .containsEntry("prompt", "a (red:1.2) apple, on a table: \"still life\"\nsecond line")
                .containsEntry("negative_prompt", "blurry, low quality")
                .containsEntry("steps", 20)
                .containsEntry("sampler", "dpmpp_2m")
                .containsEntry("schedule", "karras")
                .containsEntry("guidance_scale", 7.0)
                .containsEntry("seed", 965400086L)
                .containsEntry("width", 512)
                .containsEntry("height", 640)
                .containsEntry("model", "v1-5-pruned-emaonly")
                .containsEntry("clip_skip", 1)
                .hasSize(11);
    }

    @Test
    void readsTextOutsideLatin() {
        assertThat(read(file("webui-japanese.png"))
                        .recipe()
                        .orElseThrow()
                        .request()
                        .get("prompt")
                        .toString())
                .contains("りんご");
    }

    @Test
    void aPictureWithoutRecipeHasNone() {
        assertThat(read(file("plain.png")).recipe()).isEmpty();
        assertThat(read(PictureFile.encode(gradient(), Output.PNG, null)).recipe())
                .isEmpty();
    }

    private static Picture noise(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(1).nextBytes(rgb);
        return new Picture(width, height, rgb);
    }

    private static Picture smooth(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        for (int i = 0; i < rgb.length; i++) {
            int x = i / 3 % width;
            int y = i / 3 / width;
            rgb[i] = (byte) (128 + 100 * Math.sin((x * (1 + i % 3) + y) / 20.0));
        }
        return new Picture(width, height, rgb);
    }

    private static int[] luma(Picture picture) {
        int[] luma = new int[picture.width() * picture.height()];
        for (int i = 0; i < luma.length; i++) {
            luma[i] = (int) Math.round(0.299 * (picture.rgb()[3 * i] & 255)
                    + 0.587 * (picture.rgb()[3 * i + 1] & 255)
                    + 0.114 * (picture.rgb()[3 * i + 2] & 255));
        }
        return luma;
    }

    private static double error(byte[] a, byte[] b) {
        assertThat(a).hasSameSizeAs(b);
        long sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.abs((a[i] & 255) - (b[i] & 255));
        }
        return (double) sum / a.length;
    }

    private static byte[] chunkOf(byte[] png, String type) {
        ByteBuffer chunks = ByteBuffer.wrap(png);
        for (int at = 8; ; at += 12 + chunks.getInt(at)) {
            if (new String(png, at + 4, 4, StandardCharsets.ISO_8859_1).equals(type)) {
                return Arrays.copyOfRange(png, at, at + 12 + chunks.getInt(at));
            }
        }
    }

    /** Nanoseconds of the processor and bytes on the heap; the best of three. */
    private static long[] cost(Runnable work) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] best = {Long.MAX_VALUE, Long.MAX_VALUE};
        for (int i = 0; i < 3; i++) {
            long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            long start = threads.getCurrentThreadCpuTime();
            work.run();
            best[0] = Math.min(best[0], threads.getCurrentThreadCpuTime() - start);
            best[1] = Math.min(
                    best[1],
                    threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - bytes);
        }
        return best;
    }

    private static void isSmall(long[] cost) {
        assertThat(cost[0]).as("nanoseconds").isLessThan(50_000_000L);
        assertThat(cost[1]).as("bytes").isLessThan(5_000_000L);
    }
}
