package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.ServerProcess.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Several processes on one PostgreSQL database and one folder of pictures. */
class ReplicaTests {

    private static final Duration LONG = Duration.ofMinutes(5);

    /** A process is taken for dead after (4 + 2) times this. */
    private static final String QUICK_HEARTBEAT = "--darkroom.heartbeat=250ms";

    private static TestPostgres postgres;

    private final List<ServerProcess> started = new ArrayList<>();
    private Path data;
    private String url;

    @BeforeAll
    static void startPostgres() {
        postgres = TestPostgres.start();
    }

    @AfterAll
    static void stopPostgres() throws IOException {
        postgres.close();
    }

    @BeforeEach
    void freshDatabase() {
        url = postgres.freshDatabase("replicas");
        data = ServerProcess.freshData("replicas");
    }

    @AfterEach
    void killAll() {
        started.forEach(ServerProcess::close);
    }

    private ServerProcess start(String... settings) {
        ServerProcess server = ServerProcess.start(data, ServerProcess.on(url, postgres.user(), settings));
        started.add(server);
        return server;
    }

    /** One that no test kills, in this process. The other ones are to be started before it. */
    private ServerProcess within(String... settings) {
        ServerProcess server = ServerProcess.within(data, ServerProcess.on(url, postgres.user(), settings));
        started.add(server);
        return server;
    }

    @Test
    void rolesShareTheWorkAndModelsOfDeadWorkersVanish() throws Exception {
        ServerProcess api = start("--darkroom.role=api");
        ServerProcess otherApi = within("--darkroom.role=api");
        await().atMost(LONG)
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> api.post("{\"prompt\":\"an apple\"}").body().contains("no_model_ready"));
        ServerProcess otherWorker = start("--darkroom.role=worker");
        ServerProcess worker = within("--darkroom.role=worker");
        started.forEach(ServerProcess::awaitReady);

        String id = api.submit("{\"prompt\":\"an apple\",\"steps\":5}");
        assertThat(otherApi.events(id))
                .extracting(Event::name)
                .containsExactly("queued", "started", "step", "step", "step", "step", "step", "image", "succeeded");
        assertThat(otherApi.get("/v1/jobs/" + id + "/images/0").statusCode()).isEqualTo(200);

        for (String path : List.of("/v1/models", "/v1/jobs/" + id, "/", "/swagger-ui.html", "/v3/api-docs")) {
            assertThat(worker.get(path).statusCode()).as(path).isEqualTo(404);
        }
        assertThat(worker.management("/actuator/health/liveness").statusCode()).isEqualTo(200);
        assertThat(Files.readString(Path.of("/proc/" + api.pid() + "/maps"))).doesNotContain("libtorch");

        worker.stop();
        assertThat(ServerProcess.body(api.get("/v1/models")).get("models")).hasSize(3);
        otherWorker.kill();
        change("update worker set seen_at = seen_at - interval '31' second");
        await().atMost(LONG)
                .untilAsserted(() -> assertThat(
                                ServerProcess.body(api.get("/v1/models")).get("models"))
                        .isEmpty());
        assertThat(api.management("/actuator/health/readiness").statusCode()).isEqualTo(503);
    }

    @Test
    void aStreamThatIsBrokenAgainAndAgainMissesNothing() throws Exception {
        followWithDisconnects(20);
    }

    @Test
    @Tag("endurance")
    void aStreamThatIsBroken200TimesMissesNothing() throws Exception {
        followWithDisconnects(200);
    }

    /** A job is posted to one and followed on both in turn, each connection broken after some events. */
    private void followWithDisconnects(int atLeast) throws Exception {
        ServerProcess one = start("--stub.step-time=50ms");
        ServerProcess other = within("--stub.step-time=50ms");
        started.forEach(ServerProcess::awaitReady);
        int disconnects = 0;
        while (disconnects < atLeast) {
            String id = one.submit("{\"prompt\":\"an apple\",\"steps\":20,\"n\":8}");
            List<Event> seen = new ArrayList<>();
            while (seen.isEmpty() || !seen.get(seen.size() - 1).isFinal()) {
                ServerProcess replica = seen.size() % 2 == 0 ? other : one;
                long after = seen.isEmpty() ? 0 : seen.get(seen.size() - 1).id();
                seen.addAll(replica.events(id, after, 1 + disconnects % 7));
                disconnects++;
            }
            assertThat(seen)
                    .extracting(Event::id)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, seen.size()).boxed().toList());
            assertThat(seen)
                    .extracting(Event::name)
                    .startsWith("queued", "started")
                    .endsWith("succeeded");
            assertThat(seen).filteredOn(event -> event.name().equals("image")).hasSize(8);
            assertThat(seen).filteredOn(event -> event.name().equals("step")).hasSize(20 * 8);
        }
        System.out.printf("%d disconnects%n", disconnects);
    }

    @Test
    void eventsOfOthersAreHeardAgainAfterTheConnectionBroke() throws Exception {
        ServerProcess worker = start("--darkroom.role=worker");
        ServerProcess api = within("--darkroom.role=api");
        started.forEach(ServerProcess::awaitReady);
        change("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'darkroom-events'");
        String id = api.submit("{\"prompt\":\"an apple\",\"steps\":5}");
        assertThat(api.events(id)).extracting(Event::name).endsWith("image", "succeeded");
        assertThat(worker.management("/actuator/health/liveness").statusCode()).isEqualTo(200);
    }

    @Test
    void aWorkerThatSleptThroughItsLeaseChangesNothing() throws Exception {
        freezeAndThaw(1);
    }

    @Test
    @Tag("endurance")
    void aWorkerThatSleptThroughItsLeaseTenTimesChangesNothing() throws Exception {
        freezeAndThaw(10);
    }

    private void freezeAndThaw(int rounds) throws Exception {
        List<ServerProcess> workers = List.of(
                start("--darkroom.role=worker", QUICK_HEARTBEAT, "--stub.step-time=50ms"),
                start("--darkroom.role=worker", QUICK_HEARTBEAT, "--stub.step-time=50ms"));
        ServerProcess api = within("--darkroom.role=api");
        started.forEach(ServerProcess::awaitReady);
        for (int round = 0; round < rounds; round++) {
            String id = api.submit("{\"prompt\":\"an apple\",\"steps\":60}");
            api.events(id, 0, 5);
            ServerProcess holder = workers.get(
                    text("select picked_by from scheduled_tasks where task_instance = '" + id + "'")
                                    .contains("-" + workers.get(0).pid() + "-")
                            ? 0
                            : 1);
            holder.freeze();
            await().atMost(LONG)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() ->
                            number("select count(*) from job_event where type = 'started' and job_id = '" + id + "'")
                                    == 2);
            if (round % 2 == 0) {
                holder.thaw(); // while the other draws; in other rounds after its end
            }
            List<Event> events = api.events(id);
            if (round % 2 == 1) {
                holder.thaw();
            }
            await().atMost(LONG).until(() -> holder.log().contains(id + " is no longer held"));
            assertThat(api.events(id)).isEqualTo(events);
            int again = events.stream().map(Event::name).toList().lastIndexOf("queued");
            assertThat(events.subList(again, events.size()))
                    .extracting(Event::name)
                    .startsWith("queued", "started")
                    .endsWith("image", "succeeded")
                    .hasSize(2 + 60 + 2);
            assertThat(events.subList(again + 2, again + 2 + 60))
                    .extracting(event -> event.data().get("step").longValue())
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, 60).boxed().toList());
            assertThat(events).filteredOn(event -> event.name().equals("image")).hasSize(1);
        }
    }

    @Test
    void aJobOfAKilledWorkerGoesOnElsewhere() throws Exception {
        takeOver("--stub.step-time=300ms", QUICK_HEARTBEAT);
    }

    /** With the heartbeats as they are by default. */
    @Test
    @Tag("endurance")
    void aJobOfAKilledWorkerGoesOnElsewhereWithin32Seconds() throws Exception {
        assertThat(takeOver("--stub.step-time=300ms")).isLessThan(Duration.ofSeconds(32));
    }

    /** @return from kill -9 to the first step elsewhere */
    private Duration takeOver(String... settings) throws Exception {
        ServerProcess doomed = start(settings).awaitReady();
        String id = doomed.submit("{\"prompt\":\"an apple\",\"steps\":150,\"n\":8}");
        doomed.events(id, 0, 10);
        ServerProcess heir = within(settings).awaitReady();
        doomed.kill();
        long killed = System.nanoTime();
        long last = number("select last_event from job where id = '" + id + "'");
        List<Event> next = heir.events(id, last, 3);
        Duration took = Duration.ofNanos(System.nanoTime() - killed);
        assertThat(next).extracting(Event::name).containsExactly("queued", "started", "step");
        System.out.printf("first step elsewhere after %d ms%n", took.toMillis());
        return took;
    }

    @Test
    void streamsEndBeforeTheirJobWhenTheServerIsAskedToStop() throws Exception {
        ServerProcess server = start("--stub.step-time=50ms").awaitReady();
        ServerProcess other = within("--stub.step-time=50ms").awaitReady();
        String id = server.submit("{\"prompt\":\"an apple\",\"steps\":150,\"n\":8}");
        server.events(id, 0, 5);
        List<CompletableFuture<String>> streams = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            var stream = server.stream(id, 0);
            streams.add(CompletableFuture.supplyAsync(() -> {
                try {
                    return new String(stream.body().readAllBytes());
                } catch (IOException e) {
                    throw new AssertionError("the stream was broken, not ended", e);
                }
            }));
        }
        server.terminate();
        String seen = "";
        for (CompletableFuture<String> stream : streams) {
            seen = stream.get(LONG.toSeconds(), TimeUnit.SECONDS);
        }
        assertThat(seen).contains("event:step").doesNotContain("event:succeeded");

        long last = seen.lines()
                .filter(line -> line.startsWith("id:"))
                .mapToLong(line -> Long.parseLong(line.substring(3)))
                .max()
                .orElseThrow();
        List<Event> rest = other.events(id, last, Integer.MAX_VALUE);
        assertThat(rest.get(0).id()).isEqualTo(last + 1);
        assertThat(rest.get(rest.size() - 1).name()).isEqualTo("succeeded");
    }

    private String text(String query) throws SQLException {
        try (var database = DriverManager.getConnection(url, postgres.user(), "");
                var rows = database.createStatement().executeQuery(query)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private long number(String query) throws SQLException {
        return Long.parseLong(text(query));
    }

    private void change(String statement) throws SQLException {
        try (var database = DriverManager.getConnection(url, postgres.user(), "")) {
            database.createStatement().execute(statement);
        }
    }
}
