package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.ServerProcess.Event;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import tools.jackson.databind.JsonNode;

/** What clients can say of their jobs, and what they are told. The device takes 50 ms for a step of 8 rows. */
@ExtendWith(OutputCaptureExtension.class)
class ControlTests {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int QUEUE = 30;

    private static ServerProcess server;

    private final List<String> posted = new ArrayList<>();

    @BeforeAll
    static void start() {
        server = ServerProcess.within(
                        ServerProcess.freshData("control"),
                        "--stub.step-time=50ms",
                        "--darkroom.max-queued=" + QUEUE,
                        "--darkroom.retention=1h")
                .awaitReady();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void cancelAll() throws Exception {
        for (String id : posted) {
            server.delete("/v1/jobs/" + id);
        }
        for (String id : posted) {
            await().atMost(LONG)
                    .until(() -> !server.job(id).get("state").stringValue().matches("queued|running"));
        }
    }

    private String submit(String json) throws Exception {
        posted.add(server.submit(json));
        return posted.get(posted.size() - 1);
    }

    /** Fills the device, so that further jobs wait. */
    private void fill(int jobs) throws Exception {
        for (int i = 0; i < jobs; i++) {
            submit("{\"prompt\":\"an apple\",\"steps\":100,\"n\":8}");
        }
        await().atMost(LONG)
                .until(() ->
                        server.job(posted.get(0)).get("state").stringValue().equals("running"));
    }

    @Test
    void refusesWhatIsWrongInAllPartsOfTheRequestAtOnce() throws Exception {
        HttpResponse<String> answer =
                server.post("{\"prompt\":\"\",\"priority\":\"urgent\",\"expires_in\":0,\"steps\":1000}");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(ServerProcess.body(answer).get("errors"))
                .extracting(error -> error.get("field").stringValue())
                .containsExactlyInAnyOrder("prompt", "priority", "expires_in", "steps");
        assertThat(server.post("{\"prompt\":\"a\",\"expires_in\":604801}").body())
                .contains("between 1 and 604800");
    }

    @Test
    void endsJobsWhoseTimeIsUpRunningOrNot() throws Exception {
        String running = submit("{\"prompt\":\"an apple\",\"steps\":150,\"n\":8,\"expires_in\":2}");
        await().atMost(LONG)
                .until(() -> server.job(running).get("state").stringValue().equals("running"));
        String queued = submit("{\"prompt\":\"an apple\",\"steps\":150,\"n\":8,\"expires_in\":1}");
        for (String id : List.of(queued, running)) {
            JsonNode job = ServerProcess.body(server.get("/v1/jobs/" + id + "?wait_ms=10000"));
            assertThat(job.get("state").stringValue()).isEqualTo("failed");
            assertThat(job.at("/error/code").stringValue()).isEqualTo("expired");
            Instant due = Instant.parse(job.get("expires_at").stringValue());
            assertThat(Instant.parse(job.get("finished_at").stringValue())).isBetween(due, due.plusSeconds(3));
            assertThat(server.events(id)).extracting(Event::name).endsWith("failed");
        }
        // Its rows are free again.
        String next = submit("{\"prompt\":\"an apple\",\"steps\":1}");
        assertThat(ServerProcess.body(server.get("/v1/jobs/" + next + "?wait_ms=10000"))
                        .get("state")
                        .stringValue())
                .isEqualTo("succeeded");
    }

    @Test
    void tellsWhereAJobIsInLineAndWhenItWillEnd() throws Exception {
        awaitMeasured();
        line(100); // 5 s each, and canceled in the end
    }

    @Test
    @Tag("endurance")
    void whatItTellsOfTheEndIsRightByAFactorOfTwo() throws Exception {
        awaitMeasured();
        List<Instant> etas = line(20); // 1 s each
        int last = posted.size() - 1;
        Instant asked = Instant.now();
        JsonNode ended = ServerProcess.body(server.get("/v1/jobs/" + posted.get(last) + "?wait_ms=60000"));
        Instant end = Instant.parse(ended.get("finished_at").stringValue());
        assertThat(ended.has("eta")).isFalse();
        Duration took = Duration.between(asked, end);
        Duration told = Duration.between(asked, etas.get(last));
        System.out.printf(Locale.ROOT, "told %d ms, took %d ms%n", told.toMillis(), took.toMillis());
        assertThat((double) told.toMillis() / took.toMillis()).isBetween(0.5, 2.0);
    }

    private void awaitMeasured() throws Exception {
        String measured = submit("{\"prompt\":\"an apple\",\"steps\":20,\"n\":8}");
        server.get("/v1/jobs/" + measured + "?wait_ms=30000");
        await().atMost(LONG).until(() -> {
            String id = submit("{\"prompt\":\"an apple\",\"steps\":20}");
            return server.job(id).has("eta"); // what was measured is saved
        });
        cancelAll();
        posted.clear();
    }

    /** Six jobs, of which one is drawn. @return when each will end, as it says */
    private List<Instant> line(int steps) throws Exception {
        for (int i = 0; i < 6; i++) {
            submit("{\"prompt\":\"an apple\",\"steps\":" + steps + ",\"n\":8}");
        }
        await().atMost(LONG)
                .until(() ->
                        server.job(posted.get(0)).get("state").stringValue().equals("running"));
        List<Instant> etas = new ArrayList<>();
        for (String id : posted) {
            etas.add(Instant.parse(server.job(id).get("eta").stringValue()));
        }
        assertThat(etas).isSorted();
        int last = posted.size() - 1;
        int position = server.job(posted.get(last)).at("/queue/position").intValue();
        assertThat(position).isBetween(4, 5);
        assertThat(server.job(posted.get(0)).has("queue")).isFalse();
        return etas;
    }

    @Test
    void saysWhenToComeBackIfTheQueueIsFull() throws Exception {
        HttpResponse<String> answer;
        do {
            answer = server.post("{\"prompt\":\"an apple\",\"steps\":50,\"n\":8}");
            if (answer.statusCode() == 202) {
                posted.add(ServerProcess.body(answer).get("id").stringValue());
            }
        } while (answer.statusCode() == 202 && posted.size() < 2 * QUEUE);
        assertThat(answer.statusCode()).isEqualTo(429);
        assertThat(ServerProcess.body(answer).get("code").stringValue()).isEqualTo("queue_full");
        assertThat(Integer.parseInt(answer.headers().firstValue("Retry-After").orElseThrow()))
                .isBetween(1, 60);
    }

    @Test
    void cancelsAJobWhoseClientHangsUpIfItWasAskedTo(CapturedOutput output) throws Exception {
        fill(1);
        for (boolean asked : new boolean[] {true, false}) {
            HttpRequest request = server.request("/v1/images")
                    .header("Content-Type", "application/json")
                    .header("Prefer", asked ? "wait=60, cancel-on-disconnect" : "wait=60")
                    .POST(HttpRequest.BodyPublishers.ofString(
                            "{\"prompt\":\"an apple\",\"steps\":150,\"seed\":" + (asked ? 77 : 78) + "}"))
                    .build();
            CompletableFuture<?> waiting =
                    HttpClient.newHttpClient().sendAsync(request, HttpResponse.BodyHandlers.ofString());
            long seed = asked ? 77 : 78;
            await().atMost(LONG).until(() -> seeds("").contains(seed));
            waiting.cancel(true);
        }
        await().atMost(LONG).until(() -> seeds("?state=canceled").contains(77L));
        assertThat(seeds("?state=canceled")).doesNotContain(78L);
        assertThat(output).doesNotContain("Unexpected error");
    }

    private static List<Long> seeds(String query) throws Exception {
        return ServerProcess.body(server.get("/v1/jobs" + query))
                .get("jobs")
                .valueStream()
                .map(job -> job.at("/parameters/seed").longValue())
                .toList();
    }

    @Test
    void answersAClientThatStaysAlthoughItAskedForThat() throws Exception {
        HttpResponse<String> answer =
                server.post("{\"prompt\":\"an apple\",\"steps\":20}", "Prefer", "wait=30, cancel-on-disconnect");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Preference-Applied")).contains("wait=30, cancel-on-disconnect");
        assertThat(ServerProcess.body(answer).get("state").stringValue()).isEqualTo("succeeded");
    }
}
