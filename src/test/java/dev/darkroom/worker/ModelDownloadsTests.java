package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.JavaProcess;
import dev.darkroom.library.hub.FakeHub;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Processes of their own with a hub's address in their environment. */
class ModelDownloadsTests {
    private static final Duration LONG = Duration.ofSeconds(120);
    private static final String TOKEN = "hf_thisIsTheSecret";

    private final HttpClient client = HttpClient.newHttpClient();
    private final CountDownLatch mayGoOn = new CountDownLatch(1);
    private FakeHub hub;
    private Path data;
    private Process process;

    @BeforeEach
    void serveTheTinyCheckpoint() throws IOException {
        data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "hub");
        hub = FakeHub.of(Path.of("src/test/resources/tiny-sd"));
        hub.trick = (request, honest) -> {
            if (request.isFor("vae/diffusion_pytorch_model.safetensors")) {
                mayGoOn.await();
            }
            return honest;
        };
    }

    @AfterEach
    void stop() throws IOException {
        process.destroyForcibly();
        hub.close();
    }

    @Test
    void theServerIsReadyOnceItHasFetchedWhatItCan() throws Exception {
        int port = freePort();
        int managementPort = freePort();
        start(
                "--server.port=" + port,
                "--management.server.port=" + managementPort,
                "--darkroom.models=org/gone,org/name");
        awaitVae();
        await().atMost(LONG).until(() -> status(managementPort, "/actuator/health/liveness") == 200);
        assertThat(status(managementPort, "/actuator/health/readiness")).isEqualTo(503);

        mayGoOn.countDown();
        await().atMost(LONG).until(() -> status(managementPort, "/actuator/health/readiness") == 200);
        assertThat(status(port, "/v1/models/org--name")).isEqualTo(200);
        assertThat(output())
                .containsPattern("ERROR .*Model org/gone is left out, it could not be fetched: there is no org/gone")
                .containsPattern("INFO .*Fetching org/name: .* MB")
                .doesNotContain(TOKEN);
    }

    @Test
    void theServerCanBeStoppedWhileItFetches() throws Exception {
        start("--server.port=" + freePort(), "--darkroom.models=org/name");
        awaitVae();
        process.destroy();
        assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
        assertThat(output()).doesNotContain("ERROR");
    }

    @Test
    void generateFetchesAModelOnce() throws Exception {
        mayGoOn.countDown();
        for (String file : List.of("first.png", "second.png")) {
            start(
                    "generate",
                    "a cat",
                    "--model=org/name",
                    "--steps=1",
                    "--models-dir=" + data.resolve("models"),
                    "--data-dir=" + data,
                    "--output=" + data.resolve(file));
            assertThat(process.waitFor()).as("%s", output()).isZero();
            assertThat(data.resolve(file)).exists();
        }
        assertThat(hub.requests)
                .filteredOn(request -> request.path().startsWith("/api"))
                .hasSize(1);
    }

    @Test
    void downloadSaysWhereTheModelIsOrWhyThereIsNone() throws Exception {
        mayGoOn.countDown();
        Path models = data.resolve("models");
        start("download", "org/name", "--models-dir=" + models);
        assertThat(process.waitFor()).as("%s", output()).isZero();
        assertThat(output()).contains(models.resolve("org--name") + "  (model org--name)");

        start("download", "org/gone", "--models-dir=" + models);
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(output())
                .contains("darkroom: there is no org/gone (127.0.0.1 answered 404 EntryNotFound)")
                .doesNotContain("\tat ");

        hub.files.put("unet/config.json", "{\"act_fn\":\"mish\"}".getBytes());
        start("download", "org/name@other", "--models-dir=" + models);
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(output()).contains("unet/config.json").contains("found").doesNotContain("\tat ");
    }

    private void awaitVae() {
        await().atMost(LONG)
                .until(() -> hub.requests.stream()
                        .anyMatch(request -> request.isFor("vae/diffusion_pytorch_model.safetensors")));
    }

    private void start(String... arguments) throws IOException {
        List<String> command = JavaProcess.command(Darkroom.class);
        command.addAll(List.of(arguments));
        if (arguments[0].startsWith("--")) {
            command.addAll(List.of("--darkroom.data-dir=" + data, "--darkroom.models-dir=" + data.resolve("models")));
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(data.resolve("output.log").toFile());
        builder.environment().put("HF_ENDPOINT", hub.address().toString());
        builder.environment().put("HF_TOKEN", TOKEN);
        process = builder.start();
    }

    private String output() throws IOException {
        return Files.readString(data.resolve("output.log"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    /** @return the answer's status; 0 if there is none */
    private int status(int port, String path) throws InterruptedException {
        try {
            URI uri = URI.create("http://localhost:" + port + path);
            return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException e) {
            return 0;
        }
    }
}
