package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
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
    void losesNothingOnPostgres() throws Exception {
        try (TestPostgres postgres = TestPostgres.start()) {
            storm(1, ServerProcess.freshData("storm"), onPostgres(postgres));
        }
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

    private static String[] onPostgres(TestPostgres postgres) {
        // The dead are found sooner than usual, so that a round does not wait for that.
        return ServerProcess.on(
                postgres.freshDatabase("storm"), postgres.user(), "--db-scheduler.heartbeat-interval=500ms");
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
            try (ServerProcess server =
                    ServerProcess.start(port, data, arguments).awaitReady()) {
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
