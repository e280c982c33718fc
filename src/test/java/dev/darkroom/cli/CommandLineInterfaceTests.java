package dev.darkroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;

/** The commands on the tiny checkpoint. */
class CommandLineInterfaceTests {
    @TempDir
    private Path folder;

    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        FileSystemUtils.copyRecursively(Path.of("src/test/resources/tiny-sd"), folder.resolve("models/tiny"));
    }

    private int generate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("generate", "--steps", "2"));
        all.addAll(List.of("--models-dir", folder.resolve("models").toString()));
        all.addAll(List.of("--data-dir", folder.resolve("data").toString()));
        all.addAll(List.of(arguments));
        if (!all.contains("--model")) {
            all.addAll(List.of("--model", "tiny"));
        }
        PrintStream before = System.err;
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            return CommandLineInterface.run(all.toArray(String[]::new));
        } finally {
            System.setErr(before);
        }
    }

    private Stream<Path> pictures() throws IOException {
        return Files.list(folder).filter(Files::isRegularFile);
    }

    @Test
    void generateWritesAPicture() throws IOException {
        Path file = folder.resolve("apple.png");
        assertThat(generate("a red apple", "-o", file.toString())).isZero();
        BufferedImage picture = ImageIO.read(file.toFile());
        assertThat(picture.getWidth()).isEqualTo(32);
        assertThat(pictures()).containsExactly(file);
    }

    @Test
    void severalPicturesGetNumbersAndTheSameSeedsGiveTheSamePictures() throws IOException {
        assertThat(generate(
                        "a cat",
                        "-n",
                        "2",
                        "--seed",
                        "5",
                        "-o",
                        folder.resolve("cat.png").toString()))
                .isZero();
        assertThat(generate(
                        "a cat",
                        "--seed",
                        "6",
                        "-o",
                        folder.resolve("again.png").toString()))
                .isZero();
        assertThat(pictures())
                .containsExactlyInAnyOrder(
                        folder.resolve("cat-1.png"), folder.resolve("cat-2.png"), folder.resolve("again.png"));
        assertThat(folder.resolve("again.png")).hasSameBinaryContentAs(folder.resolve("cat-2.png"));
        assertThat(ImageIO.read(folder.resolve("cat-1.png").toFile())).isNotNull();
    }

    @Test
    void aWrongOptionIsExplainedAndNothingIsWritten() throws IOException {
        assertThat(generate(
                        "a cat",
                        "--sampler",
                        "magic",
                        "-o",
                        folder.resolve("cat.png").toString()))
                .isEqualTo(1);
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("magic").contains("dpmpp_2m");
        assertThat(errors.toString(StandardCharsets.UTF_8)).doesNotContain("\tat ");
        assertThat(pictures()).isEmpty();
    }

    @Test
    void anUnknownModelIsAnsweredWithTheKnownOnes() {
        assertThat(generate("a cat", "--model", "gone")).isEqualTo(1);
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("gone").contains("tiny");
    }

    @Test
    void anUnknownCommandIsRefused() {
        PrintStream before = System.err;
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            assertThat(CommandLineInterface.run("paint")).isEqualTo(2);
        } finally {
            System.setErr(before);
        }
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("paint").contains("train");
    }
}
