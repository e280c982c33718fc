package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.ServerProcess.Event;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** SIGTERM to a server that draws; a step takes 100 ms unless a test says otherwise. */
class ShutdownTests {

    private static final Duration LONG = Duration.ofSeconds(60);

    private final Path data = ServerProcess.freshData("shutdown");
    private final List<ServerProcess> servers = new ArrayList<>();

    @AfterEach
    void killAll() {
        servers.forEach(ServerProcess::close);
    }

    @Test
    void endsStreamsAtOnceAndFinishesWhatHasBegun() throws Exception {
        ServerProcess server = start("--stub.step-time=100ms", "--darkroom.drain=30s", "--darkroom.max-rows=1");
        String running = server.submit("{\"prompt\":\"an apple\",\"steps\":60}");
        awaitSteps(server, running, 5);
        List<String> waiting = List.of(
                server.submit("{\"prompt\":\"a car\",\"steps\":60}"),
                server.submit("{\"prompt\":\"a sun\",\"steps\":60}"));
        HttpResponse<InputStream> stream = server.stream(running, -1);
        BufferedReader lines = reader(stream);
        assertThat(ServerProcess.events(lines, 2)).hasSize(2);

        server.terminate();
        List<String> rest = new ArrayList<>();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            rest.add(line);
        }
        assertThat(rest).contains("retry:1000").noneMatch(line -> line.matches("event:(succeeded|failed|canceled)"));

        // While it draws on, it answers, and tells those who send requests not to.
        assertThat(server.job(running).get("state").stringValue()).isEqualTo("running");
        assertThat(server.management("/actuator/health/readiness").statusCode()).isEqualTo(503);
        String late = server.submit("{\"prompt\":\"a late one\",\"steps\":1}");
        List<Event> resumed = server.events(running, 1, Integer.MAX_VALUE);
        assertThat(resumed).noneMatch(Event::isFinal);

        assertThat(server.awaitExit(LONG)).isEqualTo(128 + 15);
        List<Row> after = rows();
        assertThat(after.get(0)).isEqualTo(new Row(running, "succeeded", 0, false));
        for (int i = 0; i < 2; i++) {
            assertThat(after.get(1 + i)).isEqualTo(new Row(waiting.get(i), "queued", 0, true));
        }
        assertThat(after.get(3)).isEqualTo(new Row(late, "queued", 0, true));
    }

    @Test
    void handsBackWhatTheBudgetIsTooShortFor() throws Exception {
        ServerProcess server = start("--stub.step-time=100ms", "--darkroom.drain=1s", "--darkroom.max-rows=1");
        String running = server.submit("{\"prompt\":\"an apple\",\"steps\":150}");
        awaitSteps(server, running, 3);
        String waiting = server.submit("{\"prompt\":\"a car\",\"steps\":150}");
        CompletableFuture<HttpResponse<String>> wait = CompletableFuture.supplyAsync(() -> {
            try {
                return server.get("/v1/jobs/" + running + "?wait_ms=60000");
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        server.terminate();
        assertThat(server.awaitExit(LONG)).isEqualTo(128 + 15);
        assertThat(wait.join().statusCode()).isEqualTo(200);
        assertThat(rows()).containsExactly(new Row(running, "queued", 0, true), new Row(waiting, "queued", 0, true));

        ServerProcess next = ServerProcess.within(data, "--stub.step-time=1ms", "--darkroom.max-rows=1");
        servers.add(next);
        assertThat(next.events(running)).last().extracting(Event::name).isEqualTo("succeeded");
        assertThat(next.events(waiting)).last().extracting(Event::name).isEqualTo("succeeded");
    }

    @Test
    void handsBackTheJobOfAStepThatDoesNotEnd() throws Exception {
        ServerProcess server = start("--darkroom.drain=0s");
        String running = server.submit("{\"prompt\":\"a stuck apple\"}");
        await().atMost(LONG)
                .until(() -> server.job(running).get("state").stringValue().equals("running"));

        server.terminate();
        assertThat(server.awaitExit(LONG)).isEqualTo(128 + 15);
        assertThat(rows()).containsExactly(new Row(running, "queued", 0, true));
    }

    private ServerProcess start(String... settings) {
        ServerProcess server = ServerProcess.start(data, settings).awaitReady();
        servers.add(server);
        return server;
    }

    private static void awaitSteps(ServerProcess server, String id, int steps) {
        await().atMost(LONG).until(() -> server.job(id).at("/progress/step").intValue() >= steps);
    }

    private static BufferedReader reader(HttpResponse<InputStream> stream) {
        return new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    }

    /**
     * A job as the database has it.
     *
     * @param inQueue whether it has an entry that nobody holds, at the place that the job was given first
     */
    private record Row(String id, String state, int deaths, boolean inQueue) {}

    /** The jobs in the order in which they were posted; only when no server runs. */
    private List<Row> rows() throws SQLException {
        String url = "jdbc:h2:file:" + data.resolve("db").resolve("darkroom") + ";ACCESS_MODE_DATA=r";
        List<Row> rows = new ArrayList<>();
        try (var database = DriverManager.getConnection(url, "sa", "");
                var found = database.createStatement().executeQuery("""
                        select id, state, deaths, picked, start_tag, execution_time
                        from job left join scheduled_tasks on id = task_instance order by id""")) {
            while (found.next()) {
                OffsetDateTime place = found.getObject("execution_time", OffsetDateTime.class);
                boolean inQueue = place != null
                        && !found.getBoolean("picked")
                        && place.toInstant().equals(Instant.EPOCH.plus(found.getLong("start_tag"), ChronoUnit.MICROS));
                rows.add(new Row(found.getString("id"), found.getString("state"), found.getInt("deaths"), inQueue));
            }
        }
        return rows;
    }
}
