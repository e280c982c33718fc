package dev.darkroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.picture.PictureFile;
import dev.darkroom.request.OutputFormat;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

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
    void generateWarnsOfWhatItWillHardlyDraw() {
        String file = folder.resolve("a.png").toString();
        assertThat(generate("a zzqx <lora:x:1>", "--width", "8", "--height", "8", "-o", file))
                .isZero();
        assertThat(errors.toString(StandardCharsets.UTF_8))
                .contains("Warning: prompt has what is no more than text here: <lora:x:1>" + System.lineSeparator())
                .contains("Warning: the model was made for pictures of about 32x32 pixels; those of 8x8 may look wrong")
                .doesNotContain("taught");
        errors.reset();
        assertThat(generate("a zzqx <lora>", "--model", "darkroom-emoji", "-o", file))
                .isZero();
        assertThat(errors.toString(StandardCharsets.UTF_8))
                .contains("Warning: prompt has words that the model was not taught: zzqx");
        errors.reset();
        assertThat(generate("a red apple", "--model", "darkroom-emoji", "-o", file))
                .isZero();
        assertThat(errors.toString(StandardCharsets.UTF_8)).doesNotContain("Warning");
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

    /** Each of them changes the picture, so none is read and forgotten. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--clip-skip 1",
                "--guidance-rescale 0.7",
                "--timesteps 900,300",
                "--sigmas 9.5,1.25",
            })
    void everyOptionOfSamplingReachesThePicture(String options) throws IOException {
        List<String> plain = List.of("a red apple", "--seed", "5", "--guidance-scale", "3", "--sampler", "euler", "-o");
        Stream<String> without = Stream.of(folder.resolve("without.png").toString());
        Stream<String> with =
                Stream.concat(Stream.of(folder.resolve("with.png").toString()), Stream.of(options.split(" ")));
        assertThat(generate(Stream.concat(plain.stream(), without).toArray(String[]::new)))
                .isZero();
        assertThat(generate(Stream.concat(plain.stream(), with).toArray(String[]::new)))
                .isZero();
        assertThat(Files.mismatch(folder.resolve("without.png"), folder.resolve("with.png")))
                .isNotNegative();
    }

    @Test
    void anUnknownModelIsAnsweredWithTheKnownOnes() {
        assertThat(generate("a cat", "--model", "gone")).isEqualTo(1);
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("gone").contains("tiny");
    }

    private String printed(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertThat(CommandLineInterface.run(arguments)).isZero();
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void inspectSaysWhatAFolderIs() {
        String report = printed(
                "inspect", "tiny", "--models-dir", folder.resolve("models").toString());
        assertThat(report)
                .contains("StableDiffusionPipeline")
                .contains("771,380")
                .contains("vae decoder");
        JsonNode json = JsonMapper.shared()
                .readTree(printed(
                        "inspect", "--json", folder.resolve("models/tiny").toString()));
        assertThat(json.get("networks").get(1).get("parameters").longValue()).isEqualTo(771_380);
        assertThat(json.get("networks").get(1).get("flops").longValue()).isPositive();
    }

    @Test
    void inspectSaysWhyAFolderIsRefused() throws IOException {
        Path config = folder.resolve("models/tiny/unet/config.json");
        Files.writeString(config, Files.readString(config).replace("\"silu\"", "\"mish\""));
        PrintStream before = System.err;
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            assertThat(CommandLineInterface.run(
                            "inspect", folder.resolve("models/tiny").toString()))
                    .isEqualTo(1);
        } finally {
            System.setErr(before);
        }
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("act_fn").contains("mish");
    }

    @Test
    void generateWritesTheFormatThatTheFileNameSays() throws IOException {
        Map<String, OutputFormat> formats = Map.of(
                "a.png", OutputFormat.PNG,
                "a.jpg", OutputFormat.JPEG,
                "b.JPEG", OutputFormat.JPEG,
                "a.webp", OutputFormat.WEBP);
        for (Map.Entry<String, OutputFormat> each : formats.entrySet()) {
            Path file = folder.resolve(each.getKey());
            assertThat(generate("a cat", "--seed", "5", "-o", file.toString())).isZero();
            try (InputStream in = Files.newInputStream(file)) {
                PictureFile read = PictureFile.read(in);
                assertThat(read.format()).isEqualTo(each.getValue());
                assertThat(read.recipe().orElseThrow().request()).containsEntry("prompt", "a cat");
            }
        }
        assertThat(generate("a cat", "-o", folder.resolve("a.gif").toString())).isEqualTo(1);
        assertThat(errors.toString(StandardCharsets.UTF_8))
                .contains(".png, .jpg, .jpeg or .webp")
                .contains("a.gif");
        assertThat(generate("a cat", "-o", folder.resolve("c.png").toString(), "--output-compression", "80"))
                .isEqualTo(1);
        assertThat(pictures()).hasSize(4);
    }

    @Test
    void inspectPrintsTheRecipeInAPicture() {
        Path file = folder.resolve("cat.webp");
        assertThat(generate("a cat", "--seed", "5", "--sampler", "heun", "-o", file.toString()))
                .isZero();
        assertThat(printed("inspect", file.toString()))
                .contains("WEBP, 32 × 32 pixels")
                .containsPattern("prompt +a cat")
                .containsPattern("seed +5")
                .containsPattern("sampler +heun");
        JsonNode json = JsonMapper.shared().readTree(printed("inspect", "--json", file.toString()));
        assertThat(json.get("format").stringValue()).isEqualTo("webp");
        assertThat(json.at("/request/model").stringValue()).isEqualTo("tiny");
        assertThat(json.get("parameters").stringValue()).startsWith("a cat\nSteps: 2, Sampler: Heun");
        assertThat(printed("inspect", "src/test/resources/pictures/plain.png")).contains("no recipe");
        assertThat(printed("inspect", "src/test/resources/pictures/webui.jpg")).containsPattern("seed +965400086");
    }

    @Test
    void inspectSaysWhyAPictureIsRefused() {
        PrintStream before = System.err;
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            assertThat(CommandLineInterface.run("inspect", "src/test/resources/pictures/bomb.png"))
                    .isEqualTo(1);
        } finally {
            System.setErr(before);
        }
        assertThat(errors.toString(StandardCharsets.UTF_8)).contains("20000 × 20000");
    }

    @Test
    void benchMeasuresEveryNetwork() {
        JsonNode json = JsonMapper.shared()
                .readTree(printed(
                        "bench", folder.resolve("models/tiny").toString(), "--rows", "1,3", "--rounds", "1", "--json"));
        assertThat(json.get("timings")
                        .valueStream()
                        .map(timing -> timing.get("call").stringValue()))
                .containsExactly("text encoder", "U-Net, 1 row", "U-Net, 3 rows", "VAE decoder");
        json.get("timings").forEach(timing -> {
            assertThat(timing.get("millis").doubleValue()).isPositive();
            assertThat(timing.get("gflops").doubleValue()).isPositive();
        });
        assertThat(json.get("timings").get(2).get("gflop").doubleValue())
                .isCloseTo(3 * json.get("timings").get(1).get("gflop").doubleValue(), Percentage.withPercentage(0.01));
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
