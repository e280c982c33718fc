package dev.darkroom.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class BuiltInModelTests {

    /** Unpacks as a process of its own. */
    static final class Unpacking {
        private Unpacking() {}

        public static void main(String[] args) {
            try {
                BuiltInModel.unpack(Path.of(args[0]));
            } catch (UncheckedIOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** A limit of the size of files stands in for the disk. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void nothingIsLeftOfAModelThatTheDiskHasNoRoomFor(@TempDir Path cache) throws Exception {
        Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -f 4096 && exec \"$@\"",
                        "sh",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Unpacking.class.getName(),
                        cache.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains("cannot unpack the built-in model to " + cache + ": File too large");
        assertThat(entries(cache)).isZero();
        BuiltInModel.unpack(cache);
        assertThat(entries(cache)).isEqualTo(1);
    }

    private static long entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.count();
        }
    }
}
