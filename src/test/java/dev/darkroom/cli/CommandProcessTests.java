package dev.darkroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.Darkroom;
import dev.darkroom.JavaProcess;
import dev.darkroom.picture.PictureFile;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.FileSystemUtils;

/** Commands as processes of their own: signals, locales, file modes, what comes out where. */
class CommandProcessTests {
    private static final String PROMPT = "ein Äpfel 赤 🍎";

    @TempDir
    private Path folder;

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        FileSystemUtils.copyRecursively(Path.of("src/test/resources/tiny-sd"), folder.resolve("models/tiny"));
    }

    /** Says on its output when the command computes. */
    static final class Telling {
        private Telling() {}

        public static void main(String[] args) {
            Thread watch = new Thread(() -> {
                while (true) {
                    boolean computing = Thread.getAllStackTraces().values().stream()
                            .flatMap(Arrays::stream)
                            .anyMatch(frame -> frame.getMethodName().equals("predict"));
                    if (computing) {
                        System.out.println("drawing");
                        return;
                    }
                }
            });
            watch.setDaemon(true);
            watch.start();
            Darkroom.main(args);
        }
    }

    private ProcessBuilder command(Class<?> main, String... arguments) {
        List<String> all = JavaProcess.command(main);
        all.addAll(List.of(arguments));
        ProcessBuilder builder =
                new ProcessBuilder(all).directory(Path.of("").toAbsolutePath().toFile());
        builder.redirectError(folder.resolve("errors").toFile());
        return builder;
    }

    private String[] generate(String prompt, String... more) {
        return Stream.concat(
                        Stream.of(
                                "generate",
                                prompt,
                                "--model",
                                "tiny",
                                "--models-dir",
                                folder.resolve("models").toString(),
                                "--data-dir",
                                folder.resolve("data").toString()),
                        Stream.of(more))
                .toArray(String[]::new);
    }

    private String errors() throws IOException {
        return Files.readString(folder.resolve("errors"));
    }

    private static int status(Process process) throws InterruptedException {
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130"})
    void aCommandThatIsInterruptedWhileItDrawsEndsAtOnceAndLeavesNothing(String signal, int status) throws Exception {
        ProcessBuilder command = command(
                Telling.class,
                generate(
                        "x",
                        "--steps",
                        "150",
                        "--width",
                        "128",
                        "--height",
                        "128",
                        "-n",
                        "4",
                        "-o",
                        folder.resolve("never.png").toString()));
        command.command()
                .addAll(0, List.of("env", "--default-signal=INT,TERM")); // whoever started the tests may ignore them
        Process process = command.start();
        try (BufferedReader output = process.inputReader()) {
            assertThat(output.readLine()).isEqualTo("drawing");
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertThat(status(process)).isEqualTo(status);
        } finally {
            process.destroyForcibly();
        }
        assertThat(errors().lines()).allMatch(line -> line.startsWith("Warning: "));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactly(folder.resolve("errors"));
        }
    }

    @Test
    void inTheCLocaleAPromptAndFileNamesAreWhatWasTypedAndFilesFollowTheUmask() throws Exception {
        // The names are the shell's to make: this test's own virtual machine may be in the C locale itself.
        ProcessBuilder builder = command(Darkroom.class, generate("PROMPT", "--steps", "1", "-o", "FILE"));
        String typed = builder.command().stream()
                .map(word -> "'" + word.replace("PROMPT", PROMPT).replace("FILE", "赤.png") + "'")
                .reduce((a, b) -> a + " " + b)
                .orElseThrow();
        Path script = Files.write(
                folder.resolve("script.sh"),
                ("umask 022; cd " + folder + "; touch 赤.png; " + typed + " && stat -c 'mode %a' *.png && cp *.png copy")
                        .getBytes(StandardCharsets.UTF_8));
        builder.command("sh", script.toString());
        builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.startsWith("LANG"));
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(status(process)).as(errors()).isZero();
        assertThat(printed).contains("赤.png").contains("mode 644");
        byte[] picture = Files.readAllBytes(folder.resolve("copy"));
        assertThat(PictureFile.read(new ByteArrayInputStream(picture))
                        .recipe()
                        .orElseThrow()
                        .request())
                .containsEntry("prompt", PROMPT);
    }

    @Test
    void aMinusWritesThePictureToTheOutputAndNothingElse() throws Exception {
        Process process = command(Darkroom.class, generate("x", "--steps", "1", "-o", "-", "--output-format", "webp"))
                .start();
        byte[] picture = process.getInputStream().readAllBytes();
        assertThat(status(process)).as(errors()).isZero();
        assertThat(PictureFile.read(new ByteArrayInputStream(picture)).width()).isEqualTo(32);
        assertThat(PictureFile.decode(picture).width()).isEqualTo(32);
        assertThat(new String(picture, StandardCharsets.ISO_8859_1)).startsWith("RIFF");
        assertThat(Files.exists(folder.resolve("-"))).isFalse();
        assertThat(errors()).matches("-  \\(seed \\d+\\)\n"); // and no bar: that is not a terminal
    }

    @Test
    void aMinusTakesOnePicture() throws Exception {
        Process process = command(Darkroom.class, generate("x", "--steps", "1", "-o", "-", "-n", "2"))
                .start();
        assertThat(process.getInputStream().readAllBytes()).isEmpty();
        assertThat(status(process)).isEqualTo(1);
        assertThat(errors()).contains("-o - takes one picture");
    }

    @Test
    void theShellCompletesCommandsAndOptions() throws Exception {
        Path script = Files.writeString(folder.resolve("completion.sh"), printed("completion"));
        Process bash = new ProcessBuilder(
                        "bash",
                        "-ec",
                        "compopt() { :; }; source \"$0\"; COMP_WORDS=(darkroom gen); COMP_CWORD=1; _complete_darkroom; echo ${COMPREPLY[@]};"
                                + " COMP_WORDS=(darkroom generate --sampler dp); COMP_CWORD=3; COMP_LINE='darkroom generate"
                                + " --sampler dp'; COMP_POINT=${#COMP_LINE}; _complete_darkroom; echo ${COMPREPLY[@]}",
                        script.toString())
                .redirectErrorStream(true)
                .start();
        String completed = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(completed).contains("generate\n").contains("dpmpp_2m");
        assertThat(status(bash)).isZero();
    }

    private static String printed(String... arguments) {
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
}
