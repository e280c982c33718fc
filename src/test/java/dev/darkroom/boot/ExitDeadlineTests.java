package dev.darkroom.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ExitDeadlineTests {

    /** A process whose shutdown takes this long, or never ends by itself. */
    static final class Hanging {
        private Hanging() {}

        /** @param args milliseconds: until it is ended, and until it would end by itself */
        public static void main(String[] args) throws InterruptedException {
            new ExitDeadline(Duration.ofMillis(Long.parseLong(args[0])));
            CountDownLatch never = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    never.await(Long.parseLong(args[1]), TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            System.out.println("ready");
            never.await();
        }
    }

    @Test
    void aProcessWhoseShutdownHangsIsEndedAtTheDeadline() throws Exception {
        assertThat(ended(1500, Long.MAX_VALUE)).anyMatch(line -> line.contains("The process does not end by itself"));
    }

    @Test
    void aVirtualMachineThatWritesACacheHasTheTimeItNeeds() throws Exception {
        // Java 17 writes none, but says that it was told to.
        assertThat(ended(500, 3000, "-XX:+IgnoreUnrecognizedVMOptions", "-XX:AOTCacheOutput=target/never.aot"))
                .noneMatch(line -> line.contains("The process does not end by itself"));
    }

    /** @return what it wrote from SIGTERM to its end, which comes after the earlier of both times or, where it has options, the later */
    private static List<String> ended(long deadline, long itself, String... options) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                Hanging.class.getName(),
                Long.toString(deadline),
                Long.toString(itself)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream()));
            assertThat(output.lines().anyMatch("ready"::equals)).isTrue();
            long asked = System.nanoTime();
            process.toHandle().destroy(); // unlike the process's own, it leaves the output open
            List<String> lines = output.lines().toList();
            assertThat(process.waitFor()).isEqualTo(143);
            long least = options.length == 0 ? Math.min(deadline, itself) : Math.max(deadline, itself);
            assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThan(Duration.ofMillis(least - 100));
            return lines;
        } finally {
            process.destroyForcibly();
        }
    }
}
