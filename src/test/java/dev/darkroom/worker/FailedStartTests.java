package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.JavaProcess;
import dev.darkroom.ServerProcess;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Servers, each a process of its own, that cannot do their work. */
class FailedStartTests {
    private static final Duration LONG = Duration.ofSeconds(120);

    private final List<Process> started = new ArrayList<>();
    private Path data;

    @BeforeEach
    void freshData() throws IOException {
        data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "start");
    }

    @AfterEach
    void killAll() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void aSecondProcessOnTheSameDataSaysSoInALine() throws Exception {
        try (ServerProcess first = ServerProcess.within(data)) {
            Process second = start("second", freePort());
            assertThat(second.waitFor()).isNotZero();
            String log = Files.readString(data.resolve("second.log"));
            assertThat(log)
                    .contains("The data directory " + data.toAbsolutePath() + " is used by another process.")
                    .contains("--darkroom.data-dir=DIR")
                    .doesNotContain("\tat ");
            assertThat(log.lines().filter(line -> !line.isBlank())).hasSizeLessThan(10);
            assertThat(first.management("/actuator/health/liveness").statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void aWorkerThatFailsMakesTheProcessNeitherReadyNorAlive() throws Exception {
        Files.createFile(data.resolve("cache")); // where the built-in model should be unpacked
        int port = freePort();
        start("failing", port);
        // Before it is up the process answers 503 too, so the reason comes first.
        await().atMost(LONG)
                .until(() -> Files.readString(data.resolve("failing.log")).contains("The workers have failed"));
        await().atMost(LONG).until(() -> status(port, "/actuator/health/liveness") == 503);
        assertThat(status(port, "/actuator/health/readiness")).isEqualTo(503);
    }

    private Process start(String name, int managementPort) throws IOException {
        List<String> command = JavaProcess.command(Darkroom.class);
        command.addAll(List.of(
                "--server.port=0",
                "--management.server.port=" + managementPort,
                "--darkroom.data-dir=" + data,
                "--darkroom.models-dir=" + data.resolve("models")));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(data.resolve(name + ".log").toFile())
                .start();
        started.add(process);
        return process;
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    /** @return the answer's status; 0 if there is none */
    private static int status(int port, String path) throws InterruptedException {
        try {
            URI uri = URI.create("http://localhost:" + port + path);
            return HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException e) {
            return 0;
        }
    }
}
