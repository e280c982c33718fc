package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.JavaProcess;
import dev.darkroom.ServerProcess;
import dev.darkroom.Service;
import dev.darkroom.TestPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The server as a process of its own, killed and stopped while it draws. */
class RestartTests {

    private static final Duration LONG = Duration.ofSeconds(120);
    private static final String LONG_JOB = "{\"prompt\":\"a red apple\",\"steps\":150,\"n\":2,\"seed\":11}";

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<Process> started = new ArrayList<>();
    private Path data;
    private int port;
    private int managementPort;

    @BeforeEach
    void freshData() throws IOException {
        data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "restart");
    }

    @AfterEach
    void killAll() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void aJobThatKillMinus9InterruptedGoesOnAfterARestartAndItsExactPicturesAreTheSameBytes() throws Exception {
        String exact = "{\"prompt\":\"a red apple\",\"steps\":15,\"determinism\":\"exact\",\"seed\":%d,\"n\":%d}";
        // Nobody misses a heartbeat within this test: it is the restart that gives the job back.
        Process first = start("--darkroom.heartbeat=10m");
        Service service = new Service(port);
        String alone = service.picture(service.post(exact.formatted(41, 1)));

        service.post("{\"prompt\":\"a blue car\",\"steps\":12,\"n\":2,\"determinism\":\"fast\",\"guidance_scale\":1}");
        service.post("{\"prompt\":\"a sun\",\"steps\":8,\"sampler\":\"heun\",\"determinism\":\"fast\"}");
        List<String> together = List.of(service.post(exact.formatted(39, 4)), service.post(exact.formatted(41, 1)));
        assertThat(service.ended(together.get(0)).at("/images/2/sha256").stringValue())
                .isEqualTo(alone);
        assertThat(service.picture(together.get(1))).isEqualTo(alone);

        String interrupted = service.post(exact.formatted(38, 4));
        await().atMost(LONG)
                .until(() -> service.job(interrupted).at("/progress/step").intValue() >= 3);
        first.destroyForcibly().waitFor();
        assertThat(first.exitValue()).isEqualTo(128 + 9);

        start("--darkroom.heartbeat=10m");
        Service again = new Service(port);
        await().atMost(LONG)
                .until(() ->
                        !again.ended(interrupted).get("state").stringValue().matches("queued|running"));
        JsonNode job = again.job(interrupted);
        assertThat(job.get("state").stringValue()).isEqualTo("succeeded");
        assertThat(job.get("images")).hasSize(4);
        assertThat(job.at("/images/3/sha256").stringValue()).isEqualTo(alone);
        for (JsonNode image : job.get("images")) {
            assertThat(get(image.get("url").stringValue()).statusCode()).isEqualTo(200);
        }
        String events =
                get("/v1/jobs/" + interrupted + "/events", "Last-Event-ID", "0").body();
        assertThat(count(events, "event:queued")).isEqualTo(2);
        assertThat(count(events, "event:started")).isEqualTo(2);
        assertThat(count(events, "event:image")).isEqualTo(4);
        assertThat(count(events, "event:succeeded")).isEqualTo(1);
        assertThat(again.picture(again.post(exact.formatted(41, 1)))).isEqualTo(alone);
    }

    @Test
    @Tag("endurance")
    void anExactPictureIsTheSameBytesOnH2AndOnPostgres() throws Exception {
        String exact = "{\"prompt\":\"a red apple\",\"steps\":20,\"determinism\":\"exact\",\"seed\":41,\"n\":8}";
        List<String> pictures = new ArrayList<>();
        try (TestPostgres postgres = TestPostgres.start()) {
            for (String[] settings :
                    List.of(new String[0], ServerProcess.on(postgres.freshDatabase("exact"), postgres.user()))) {
                try (ServerProcess server = ServerProcess.startDarkroom(ServerProcess.freshData("exact"), settings)
                        .awaitReady()) {
                    JsonNode job = new Service(server.port()).ended(server.submit(exact));
                    assertThat(job.get("images")).hasSize(8);
                    job.get("images")
                            .forEach(image -> pictures.add(image.get("sha256").stringValue()));
                }
            }
        }
        assertThat(pictures.subList(8, 16)).isEqualTo(pictures.subList(0, 8));
        assertThat(pictures.subList(0, 8)).doesNotHaveDuplicates();
    }

    /** With the model; {@code ShutdownTests} stops a server in every build. */
    @Test
    @Tag("endurance")
    void givesItsJobsBackAndEndsItsAnswersWhenItIsStopped() throws Exception {
        Process server = start("--darkroom.max-queued=1", "--darkroom.max-rows=4", "--darkroom.drain=1s");
        String id = json(post(LONG_JOB)).get("id").stringValue();
        await().atMost(LONG).until(() -> job(id).get("progress").get("step").intValue() >= 1);
        String other = json(post(LONG_JOB)).get("id").stringValue();
        HttpResponse<String> refused = post("{\"prompt\":\"a red apple\"}");
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(json(refused).get("code").stringValue()).isEqualTo("queue_full");
        assertThat(refused.headers().firstValue("Retry-After")).isPresent();

        HttpResponse<InputStream> stream = client.send(
                request("/v1/jobs/" + id + "/events").GET().build(), HttpResponse.BodyHandlers.ofInputStream());
        CompletableFuture<HttpResponse<String>> wait = client.sendAsync(
                request("/v1/jobs/" + id + "?wait_ms=60000").GET().build(), HttpResponse.BodyHandlers.ofString());
        int step = job(id).get("progress").get("step").intValue();
        await().atMost(LONG).until(() -> job(id).get("progress").get("step").intValue() >= step + 5);

        long before = System.nanoTime();
        server.destroy();
        assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(15));
        assertThat(new String(stream.body().readAllBytes(), StandardCharsets.UTF_8))
                .contains("event:step")
                .doesNotContain("event:succeeded");
        assertThat(wait.get(1, TimeUnit.SECONDS).statusCode()).isEqualTo(200);

        String url = "jdbc:h2:file:" + data.toAbsolutePath().resolve("db").resolve("darkroom") + ";ACCESS_MODE_DATA=r";
        try (var database = DriverManager.getConnection(url, "sa", "");
                var rows = database.createStatement().executeQuery("""
                                select id, state, starts, picked from job join scheduled_tasks on id = task_instance
                                order by id""")) {
            for (String expected : List.of(id, other)) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getString("id")).isEqualTo(expected);
                assertThat(rows.getString("state")).isEqualTo("queued");
                assertThat(rows.getInt("starts")).isZero();
                assertThat(rows.getBoolean("picked")).isFalse();
            }
            assertThat(rows.next()).isFalse();
        }
    }

    /** Starts a server on the data of this test and waits until it is ready. */
    private Process start(String... settings) throws IOException {
        port = ServerProcess.freePort();
        managementPort = ServerProcess.freePort();
        List<String> command = JavaProcess.command(Darkroom.class);
        command.addAll(List.of(
                "--server.port=" + port,
                "--management.server.port=" + managementPort,
                "--darkroom.data-dir=" + data,
                "--darkroom.models-dir=" + data.resolve("models")));
        command.addAll(List.of(settings));
        Process server = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        data.resolve("server.log").toFile()))
                .start();
        started.add(server);
        await().atMost(LONG).ignoreException(IllegalStateException.class).until(() -> {
            if (!server.isAlive()) {
                throw new AssertionError("the server did not start, see " + data.resolve("server.log"));
            }
            return send(request(managementPort, "/actuator/health/readiness").GET())
                            .statusCode()
                    == 200;
        });
        return server;
    }

    private JsonNode job(String id) {
        return json(get("/v1/jobs/" + id));
    }

    private HttpResponse<String> get(String path, String... headers) {
        HttpRequest.Builder request = request(path).GET();
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request);
    }

    private HttpResponse<String> post(String body) {
        return send(request("/v1/images")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private HttpRequest.Builder request(String path) {
        return request(port, path);
    }

    private static HttpRequest.Builder request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .timeout(LONG);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (ConnectException e) {
            throw new IllegalStateException("the server does not listen", e);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static JsonNode json(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body());
    }

    private static int count(String text, String part) {
        return text.split(part, -1).length - 1;
    }
}
