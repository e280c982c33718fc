package dev.darkroom.picture.file;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** UserComment as other programs write it. */
class ExifTests {
    private static final String SETTINGS = "\nNegative prompt: blurry\nSteps: 2, Sampler: Euler a, Seed: 7, Model: m";

    static Stream<Arguments> comments() {
        List<String> prompts = List.of("a red apple", "赤いりんご", "Äpfel", "🍎 apple");
        return Stream.of(UTF_16BE, UTF_16LE, UTF_8)
                .flatMap(charset -> prompts.stream()
                        .flatMap(prompt -> Stream.of("", "\ufeff")
                                .flatMap(mark -> Stream.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)
                                        .flatMap(order -> Stream.of("UNICODE\0", "ASCII\0\0\0", "\0".repeat(8), "")
                                                .map(code -> Arguments.of(charset, prompt, mark, order, code))))));
    }

    @ParameterizedTest
    @MethodSource("comments")
    void readsAPromptInAnyLanguageWhateverTheOrder(
            Charset charset, String prompt, String mark, ByteOrder order, String code) {
        byte[] text = (mark + prompt + SETTINGS).getBytes(charset);
        String comment = Exif.read(tiff(order, code, text)).userComment();
        assertThat(comment).isEqualTo(prompt + SETTINGS);
    }

    @Test
    void zerosBehindTheTextAreNotOfTheText() {
        byte[] text = ("a" + SETTINGS + "\0\0").getBytes(UTF_16LE);
        assertThat(Exif.read(tiff(ByteOrder.LITTLE_ENDIAN, "UNICODE\0", text)).userComment())
                .isEqualTo("a" + SETTINGS);
    }

    @Test
    void aCommentThatIsNoRecipeIsText() {
        assertThat(Exif.read(tiff(ByteOrder.BIG_ENDIAN, "ASCII\0\0\0", "a holiday".getBytes(ISO_8859_1)))
                        .userComment())
                .isEqualTo("a holiday");
        assertThat(Exif.read(tiff(ByteOrder.BIG_ENDIAN, "ASCII\0\0\0", new byte[0]))
                        .userComment())
                .isNull();
    }

    private static byte[] tiff(ByteOrder order, String code, byte[] text) {
        int length = code.length() + text.length;
        ByteBuffer tiff = ByteBuffer.allocate(44 + length).order(order);
        tiff.putShort((short) (order == ByteOrder.BIG_ENDIAN ? 0x4d4d : 0x4949));
        tiff.putShort((short) 42).putInt(8);
        tiff.putShort((short) 1)
                .putShort((short) 0x8769)
                .putShort((short) 4)
                .putInt(1)
                .putInt(26);
        tiff.putInt(0);
        tiff.putShort((short) 1)
                .putShort((short) 0x9286)
                .putShort((short) 7)
                .putInt(length)
                .putInt(44);
        tiff.putInt(0);
        return tiff.put(code.getBytes(ISO_8859_1)).put(text).array();
    }
}
