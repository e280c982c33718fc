package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ExitDeadlineTests {

    /** A process whose shutdown never ends by itself. */
    static final class Hanging {
        private Hanging() {}

        public static void main(String[] args) throws InterruptedException {
            new ExitDeadline(Duration.ofMillis(Long.parseLong(args[0])));
            CountDownLatch never = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    never.await();
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
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Hanging.class.getName(),
                        "1500")
                .redirectErrorStream(true)
                .start();
        try {
            BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream()));
            assertThat(output.readLine()).isEqualTo("ready");
            long asked = System.nanoTime();
            process.toHandle().destroy(); // unlike the process's own, it leaves the output open
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThan(Duration.ofMillis(1400));
            assertThat(process.exitValue()).isEqualTo(143);
            assertThat(output.lines()).anyMatch(line -> line.contains("The process does not end by itself"));
        } finally {
            process.destroyForcibly();
        }
    }
}
