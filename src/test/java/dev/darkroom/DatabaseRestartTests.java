package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.sql.DriverManager;
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
import tools.jackson.databind.json.JsonMapper;

/** PostgreSQL ends at once and comes back while jobs are posted and drawn. */
class DatabaseRestartTests {

    private static final int CLIENTS = 4;
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration AWAY = Duration.ofSeconds(4);

    private record Answer(long sent, long came, int status, String body) {}

    @Test
    @Tag("endurance")
    void losesNothingAndAnswersMeanwhile() throws Exception {
        restart(1);
    }

    @Test
    @Tag("endurance")
    void losesNothingAndAnswersMeanwhileFiveTimes() throws Exception {
        restart(5);
    }

    /** SIGTERM comes while the database is away: what has begun is drawn to its end nevertheless. */
    @Test
    void jobsThatHaveBegunAreDrawnOnWhileTheDatabaseIsAwayAndTheProcessShallEnd() throws Exception {
        try (TestPostgres postgres = TestPostgres.start();
                ServerProcess server = ServerProcess.start(
                                ServerProcess.freshData("hiccup"),
                                ServerProcess.on(
                                        postgres.freshDatabase("hiccup"), postgres.user(), "--stub.step-time=50ms"))
                        .awaitReady()) {
            String begun = server.submit("{\"prompt\":\"begun\",\"steps\":60}");
            await().atMost(LONG)
                    .until(() -> server.job(begun).at("/progress/step").asInt(0) > 0);
            postgres.kill();
            server.terminate();
            await().atMost(LONG).until(() -> server.log().contains("takes no more jobs"));
            postgres.restart();
            assertThat(server.awaitExit(Duration.ofSeconds(60))).isEqualTo(143);
            try (var database = DriverManager.getConnection(postgres.url("hiccup"), postgres.user(), "");
                    var found = database.createStatement()
                            .executeQuery("select state, deaths, (select count(*) from scheduled_tasks) from job")) {
                assertThat(found.next()).isTrue();
                assertThat(found.getString(1)).isEqualTo("succeeded");
                assertThat(found.getInt(2)).isZero();
                assertThat(found.getInt(3)).isZero();
            }
        }
    }

    private static void restart(int rounds) throws Exception {
        try (TestPostgres postgres = TestPostgres.start();
                ServerProcess server = ServerProcess.start(
                                ServerProcess.freshData("restart"),
                                ServerProcess.on(
                                        postgres.freshDatabase("restart"),
                                        postgres.user(),
                                        "--stub.step-time=20ms",
                                        "--darkroom.max-queued=50"))
                        .awaitReady()) {
            ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
            Queue<Answer> answers = new ConcurrentLinkedQueue<>();
            List<Future<?>> posting = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                posting.add(clients.submit(() -> {
                    while (!Thread.currentThread().isInterrupted()) {
                        answers.add(post(server));
                    }
                    return null;
                }));
            }
            for (int round = 0; round < rounds; round++) {
                long before = count(answers, 202);
                await().atMost(Duration.ofSeconds(60)).until(() -> count(answers, 202) > before + 20);
                long killed = System.nanoTime();
                postgres.kill();
                await().pollDelay(AWAY).until(() -> true);
                postgres.restart();
                long back = System.nanoTime();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> answers.stream().anyMatch(answer -> answer.came > back && answer.status == 202));
                long recovered = answers.stream()
                        .filter(answer -> answer.came > back && answer.status == 202)
                        .mapToLong(Answer::came)
                        .min()
                        .orElseThrow();
                List<Answer> meanwhile = answers.stream()
                        .filter(answer -> answer.came > killed && answer.sent < back)
                        .toList();
                Duration slowest = Duration.ofNanos(meanwhile.stream()
                        .mapToLong(answer -> answer.came - answer.sent)
                        .max()
                        .orElseThrow());
                System.out.printf(
                        "away: %d answers, the slowest after %d ms; recovered after %d ms%n",
                        meanwhile.size(),
                        slowest.toMillis(),
                        Duration.ofNanos(recovered - back).toMillis());
                assertThat(slowest).isLessThan(Duration.ofSeconds(3));
                assertThat(meanwhile).anyMatch(answer -> answer.status == 503);
                assertThat(Duration.ofNanos(recovered - back)).isLessThan(Duration.ofSeconds(5));
            }
            clients.shutdownNow();
            clients.awaitTermination(60, TimeUnit.SECONDS);
            for (Future<?> each : posting) {
                assertThat(each.isDone()).isTrue();
            }
            assertThat(answers.stream().map(Answer::status)).isSubsetOf(202, 429, 503);
            assertThat(answers)
                    .filteredOn(answer -> answer.status == 503)
                    .allSatisfy(answer -> assertThat(answer.body).contains("\"code\":\"database_unavailable\""));
            List<String> wrong = new ArrayList<>();
            HttpClient client = HttpClient.newHttpClient();
            for (Answer answer : answers) {
                if (answer.status == 202) {
                    String id =
                            JsonMapper.shared().readTree(answer.body).get("id").stringValue();
                    wrong.addAll(LoadDriver.check(client, server.uri("/"), id));
                }
            }
            System.out.printf("%d acknowledged jobs, %d wrong%n", count(answers, 202), wrong.size());
            assertThat(wrong).isEmpty();
        }
    }

    private static Answer post(ServerProcess server) throws IOException, InterruptedException {
        long sent = System.nanoTime();
        HttpResponse<String> answer = server.post("{\"prompt\":\"an apple\",\"steps\":4}");
        return new Answer(sent, System.nanoTime(), answer.statusCode(), answer.body());
    }

    private static long count(Queue<Answer> answers, int status) {
        return answers.stream().filter(answer -> answer.status == status).count();
    }
}
