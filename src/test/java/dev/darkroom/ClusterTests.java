package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.ServerProcess.Event;
import dev.darkroom.blobs.S3Server;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/**
 * Two API and two worker processes on PostgreSQL and an S3-compatible store, behind nginx (which must be installed). It buffers answers
 * as it does by default; only {@code max_fails=0} is set, for it would leave a server that was away out for ten seconds, and have
 * none left when the other one is restarted within them.
 */
@Tag("cluster")
class ClusterTests {

    private static final Duration LONG = Duration.ofSeconds(120);
    private static final String JOB = "{\"prompt\":\"an apple\",\"steps\":8}";

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<ServerProcess> apis = new ArrayList<>();
    private final List<ServerProcess> workers = new ArrayList<>();
    private Path data;
    private TestPostgres postgres;
    private S3Server store;
    private String url;
    private String[] settings;
    private Process nginx;
    private URI entrance;

    /** @param at when it was here */
    private record Arrival(Event event, Instant at) {}

    @BeforeEach
    void prepare() throws Exception {
        data = ServerProcess.freshData("cluster");
        postgres = TestPostgres.start();
        store = new S3Server(data.resolve("store"), "pictures");
        url = postgres.freshDatabase("cluster");
        settings = ServerProcess.on(
                url,
                postgres.user(),
                "--stub.step-time=100ms", // of stubs
                "--darkroom.anonymous=true",
                "--darkroom.images=s3://pictures/darkroom",
                "--darkroom.s3.endpoint=" + store.endpoint());
    }

    private void start(Program program) throws IOException {
        for (int i = 0; i < 2; i++) {
            apis.add(server(program, "api", ServerProcess.freePort()));
            workers.add(server(program, "worker", ServerProcess.freePort()));
        }
        startNginx();
        apis.forEach(ServerProcess::awaitReady);
        workers.forEach(ServerProcess::awaitReady);
    }

    @AfterEach
    void stop() throws IOException {
        if (nginx != null) {
            nginx.destroy();
        }
        apis.forEach(ServerProcess::close);
        workers.forEach(ServerProcess::close);
        store.close();
        postgres.close();
    }

    /** What runs in a process of the cluster. */
    private enum Program {
        STUB,
        DARKROOM,
        PREDECESSOR
    }

    private ServerProcess server(Program program, String role, int port) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("--darkroom.role=" + role);
        String[] arguments = all.toArray(String[]::new);
        return switch (program) {
            case STUB -> ServerProcess.start(port, data, arguments);
            case DARKROOM -> ServerProcess.startDarkroom(port, data, arguments);
            case PREDECESSOR -> ServerProcess.startPredecessor(port, data, arguments);
        };
    }

    private void startNginx() throws IOException {
        int port = ServerProcess.freePort();
        entrance = URI.create("http://localhost:" + port);
        Path config = Files.writeString(data.resolve("nginx.conf"), """
                daemon off;
                pid %1$s/nginx.pid;
                error_log %1$s/nginx.log;
                events {}
                http {
                    access_log off;
                    client_body_temp_path %1$s;
                    proxy_temp_path %1$s;
                    fastcgi_temp_path %1$s;
                    uwsgi_temp_path %1$s;
                    scgi_temp_path %1$s;
                    upstream darkroom {
                        server 127.0.0.1:%2$d max_fails=0;
                        server 127.0.0.1:%3$d max_fails=0;
                    }
                    server {
                        listen %4$d;
                        location / { proxy_pass http://darkroom; }
                    }
                }
                """.formatted(
                        data, apis.get(0).port(), apis.get(1).port(), port));
        nginx = new ProcessBuilder("nginx", "-p", data.toString(), "-c", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(data.resolve("nginx.out").toFile())
                .start();
    }

    @Test
    void eachEventComesThroughTheProxyAtOnce() throws Exception {
        start(Program.STUB);
        List<Duration> delays = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            String id = submit();
            Map<Long, Instant> happened = new HashMap<>();
            List<Arrival> arrivals = follow(id);
            try (Connection database = DriverManager.getConnection(url, postgres.user(), "");
                    PreparedStatement select =
                            database.prepareStatement("select sequence, created_at from job_event where job_id = ?")) {
                select.setString(1, id);
                ResultSet rows = select.executeQuery();
                while (rows.next()) {
                    happened.put(
                            rows.getLong(1),
                            rows.getObject(2, OffsetDateTime.class).toInstant());
                }
            }
            arrivals.stream()
                    .filter(arrival -> arrival.event.name().equals("step"))
                    .map(arrival -> Duration.between(happened.get(arrival.event.id()), arrival.at))
                    .forEach(delays::add);
        }
        delays.sort(null);
        System.out.printf(
                "%d step events through nginx: p50 %d ms, p99 %d ms, latest %d ms%n",
                delays.size(),
                delays.get(delays.size() / 2).toMillis(),
                delays.get(delays.size() * 99 / 100).toMillis(),
                delays.get(delays.size() - 1).toMillis());
        assertThat(delays).hasSizeGreaterThanOrEqualTo(20 * 5);
        assertThat(delays.get(delays.size() - 1)).isLessThan(Duration.ofMillis(500));
    }

    @Test
    void aRollingRestartUnderLoadLosesNoRequestAndNoJob() throws Exception {
        start(Program.STUB);
        roll(Program.STUB, 4);
    }

    /** From an earlier version to this one, with the model in the jar; both draw and answer meanwhile. */
    @Test
    void aRollingUpgradeUnderLoadLosesNoRequestAndNoJob() throws Exception {
        start(Program.PREDECESSOR);
        roll(Program.DARKROOM, 1);
    }

    private void roll(Program next, int postsAtOnce) throws Exception {
        AtomicBoolean rolled = new AtomicBoolean();
        ExecutorService clients = Executors.newCachedThreadPool();
        LoadDriver driver = new LoadDriver(entrance.resolve("/"), JOB);
        Future<?> posting = clients.submit(() -> {
            while (!rolled.get()) {
                driver.post(postsAtOnce, Duration.ofSeconds(2));
            }
            return null;
        });
        List<Future<Integer>> following = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            following.add(clients.submit(() -> {
                int followed = 0;
                while (!rolled.get()) {
                    List<Arrival> arrivals = follow(submit());
                    assertThat(arrivals)
                            .extracting(arrival -> arrival.event.id())
                            .containsExactlyElementsOf(LongStream.rangeClosed(1, arrivals.size())
                                    .boxed()
                                    .toList());
                    assertThat(arrivals.get(arrivals.size() - 1).event.name()).isEqualTo("succeeded");
                    followed++;
                }
                return followed;
            }));
        }
        for (List<ServerProcess> servers : List.of(workers, apis)) {
            for (int i = 0; i < servers.size(); i++) {
                ServerProcess old = servers.get(i);
                long asked = System.nanoTime();
                old.stop();
                System.out.printf(
                        "%s ended after %d ms%n",
                        servers == apis ? "API" : "worker",
                        Duration.ofNanos(System.nanoTime() - asked).toMillis());
                servers.set(i, server(next, servers == apis ? "api" : "worker", old.port()));
                servers.get(i).awaitReady();
            }
        }
        rolled.set(true);
        posting.get();
        int followed = 0;
        for (Future<Integer> each : following) {
            followed += each.get();
        }
        clients.shutdown();
        System.out.printf("%s; %d jobs followed%n", driver.report(), followed);
        assertThat(driver.statuses()).containsOnlyKeys(202);
        assertThat(driver.accepted()).hasSizeGreaterThan(10 * postsAtOnce);
        assertThat(driver.check()).isEmpty();
        assertThat(followed).isGreaterThan(10);
    }

    private String submit() throws IOException, InterruptedException {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(entrance.resolve("/v1/images"))
                        .timeout(LONG)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(JOB))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return JsonMapper.shared().readTree(answer.body()).get("id").stringValue();
    }

    /** Follows a job to its end; comes back where the stream is cut. */
    private List<Arrival> follow(String id) throws IOException, InterruptedException {
        List<Arrival> arrivals = new ArrayList<>();
        long start = System.nanoTime();
        while (arrivals.isEmpty() || !arrivals.get(arrivals.size() - 1).event.isFinal()) {
            assertThat(System.nanoTime() - start).isLessThan(LONG.toNanos());
            HttpResponse<InputStream> answer = client.send(
                    HttpRequest.newBuilder(entrance.resolve("/v1/jobs/" + id + "/events"))
                            .header("Last-Event-ID", Integer.toString(arrivals.size()))
                            .build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.statusCode())
                    .as("events of %s after %d", id, arrivals.size())
                    .isEqualTo(200);
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
                for (List<Event> next = ServerProcess.events(lines, 1);
                        !next.isEmpty();
                        next = ServerProcess.events(lines, 1)) {
                    Event event = next.get(0);
                    arrivals.add(new Arrival(event, Instant.now()));
                }
            } catch (IOException e) {
                continue; // cut
            }
        }
        return arrivals;
    }
}
