package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.ServerProcess.Event;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The server is killed while jobs are posted and drawn: what it acknowledged is drawn, once. */
class CrashTests {

    private static final int CLIENTS = 6;
    private static final String BODY = "{\"prompt\":\"an apple\",\"steps\":3,\"n\":2}";

    @Test
    void losesNothingOnH2() throws Exception {
        storm(1, ServerProcess.freshData("storm"));
    }

    @Test
    @Tag("endurance")
    void losesNothingIn20RoundsOnH2() throws Exception {
        storm(20, ServerProcess.freshData("storm"));
    }

    @Test
    @Tag("endurance")
    void losesNothingIn20RoundsOnPostgres() throws Exception {
        try (TestPostgres postgres = TestPostgres.start()) {
            storm(20, ServerProcess.freshData("storm"), onPostgres(postgres));
        }
    }

    @Test
    @Tag("endurance")
    void drawsOnWithin2SecondsOfBeingReadyAgain() throws Exception {
        Path data = ServerProcess.freshData("again");
        int port = ServerProcess.freePort();
        String id;
        try (ServerProcess server =
                ServerProcess.start(port, data, "--stub.step-time=100ms").awaitReady()) {
            id = server.submit("{\"prompt\":\"an apple\",\"steps\":150}");
            server.events(id, 0, 5);
            server.kill();
        }
        try (ServerProcess server =
                ServerProcess.start(port, data, "--stub.step-time=100ms").awaitReady()) {
            Instant ready = Instant.now();
            List<Event> events = server.events(id, 0, 12);
            List<Event> started = events.stream()
                    .filter(event -> event.name().equals("started"))
                    .toList();
            assertThat(started).hasSize(2);
            Instant again = Instant.parse(started.get(1).data().get("at").stringValue());
            System.out.printf(
                    "running again %d ms after ready%n",
                    Duration.between(ready, again).toMillis());
            assertThat(again).isBefore(ready.plusSeconds(2));
        }
    }

    /** A job whose pictures kill the server is not drawn for ever; {@code JobStoreTests} counts the deaths in every build. */
    @Test
    @Tag("endurance")
    void givesAJobUpAfterThreeStartsWithoutAnEnd() throws Exception {
        Path data = ServerProcess.freshData("poison");
        int port = ServerProcess.freePort();
        String id = "";
        for (int start = 1; start <= 3; start++) {
            try (ServerProcess server =
                    ServerProcess.start(port, data, "--stub.step-time=200ms").awaitReady()) {
                id = start == 1 ? server.submit("{\"prompt\":\"an apple\",\"steps\":150}") : id;
                int starts = start;
                String poison = id;
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> server.events(poison, 0, 3 * starts).stream()
                                        .filter(event -> event.name().equals("started"))
                                        .count()
                                == starts);
                server.kill();
            }
        }
        try (ServerProcess server =
                ServerProcess.start(port, data, "--stub.step-time=200ms").awaitReady()) {
            var job = ServerProcess.body(server.get("/v1/jobs/" + id + "?wait_ms=10000"));
            assertThat(job.get("state").stringValue()).isEqualTo("failed");
            assertThat(job.at("/error/code").stringValue()).isEqualTo("interrupted_too_often");
        }
    }

    private static String[] onPostgres(TestPostgres postgres) {
        // The dead are found sooner than usual, so that a round does not wait for that.
        return ServerProcess.on(postgres.freshDatabase("storm"), postgres.user(), "--darkroom.heartbeat=500ms");
    }

    private static void storm(int rounds, Path data, String... settings) throws Exception {
        Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
        int atKill = 0;
        int port = ServerProcess.freePort();
        List<String> all = new ArrayList<>(List.of(settings));
        all.addAll(List.of("--stub.step-time=5ms", "--darkroom.max-queued=200"));
        String[] arguments = all.toArray(String[]::new);
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            for (int round = 0; round < rounds; round++) {
                try (ServerProcess server =
                        ServerProcess.start(port, data, arguments).awaitReady()) {
                    List<Future<?>> posting = new ArrayList<>();
                    for (int client = 0; client < CLIENTS; client++) {
                        posting.add(clients.submit(() -> postUntilDeath(server, acknowledged)));
                    }
                    // Not sooner than the first posts, and each time at another point of what goes on.
                    int before = acknowledged.size();
                    await().atMost(Duration.ofSeconds(60)).until(() -> acknowledged.size() > before + 30);
                    await().pollDelay(Duration.ofMillis(500 + 70 * (round % 10)))
                            .until(() -> true);
                    server.kill();
                    for (Future<?> each : posting) {
                        each.get(30, TimeUnit.SECONDS);
                    }
                    atKill = acknowledged.size();
                }
            }
            assertThat(atKill).isGreaterThan(20 * rounds);
            try (ServerProcess server = ServerProcess.within(data, arguments).awaitReady()) {
                HttpClient client = HttpClient.newHttpClient();
                URI url = server.uri("/");
                List<String> wrong = new ArrayList<>();
                for (String id : acknowledged) {
                    wrong.addAll(LoadDriver.check(client, url, id));
                }
                System.out.printf("%d rounds, %d acknowledged jobs, %d wrong%n", rounds, atKill, wrong.size());
                assertThat(wrong).isEmpty();
            }
        } finally {
            clients.shutdownNow();
        }
    }

    private static Void postUntilDeath(ServerProcess server, Queue<String> acknowledged) throws Exception {
        while (true) {
            try {
                var answer = server.post(BODY);
                if (answer.statusCode() == 202) {
                    acknowledged.add(ServerProcess.body(answer).get("id").stringValue());
                }
            } catch (IOException e) {
                return null; // it is dead
            }
        }
    }
}
