package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code Idempotency-Key} under races, on replicas, and after kill -9. */
class IdempotencyTests {

    private static final int POSTS = 30;

    /** Of a job that outlasts the test. */
    private static final String SLOW = "--stub.step-time=1s";

    private static final String BODY = "{\"prompt\":\"an apple\",\"steps\":150,\"n\":8}";

    private static ServerProcess quick;

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<ServerProcess> started = new ArrayList<>();
    private final Path data = ServerProcess.freshData("idempotency");

    @BeforeAll
    static void startOne() {
        quick = ServerProcess.within(ServerProcess.freshData("idempotency"), "--stub.step-time=10ms");
    }

    @AfterAll
    static void stopOne() {
        quick.close();
    }

    @AfterEach
    void killAll() {
        started.forEach(ServerProcess::close);
    }

    @Test
    void ofThirtyPostsToTwoReplicasOneIsAcceptedAndAllGetItsAnswer() throws Exception {
        try (TestPostgres postgres = TestPostgres.start()) {
            String url = postgres.freshDatabase("idempotency");
            String[] settings = ServerProcess.on(url, postgres.user(), SLOW);
            ServerProcess within = ServerProcess.within(data, settings);
            started.add(within);
            List<ServerProcess> replicas = List.of(within, start(settings));
            replicas.forEach(ServerProcess::awaitReady);
            String first = oneAnswer(postAll(replicas));
            replicas.get(1).kill();
            assertThat(oneAnswer(postAll(List.of(replicas.get(0))))).isEqualTo(first);
            assertThat(ServerProcess.body(replicas.get(0).get("/v1/jobs")).get("jobs"))
                    .hasSize(1);
        }
    }

    @Test
    void theSameHoldsForOneProcessWithItsOwnDatabase() throws Exception {
        ServerProcess server = start(SLOW).awaitReady();
        String first = oneAnswer(postAll(List.of(server)));
        server.kill();
        ServerProcess again = ServerProcess.within(data, SLOW).awaitReady();
        started.add(again);
        assertThat(oneAnswer(postAll(List.of(again)))).isEqualTo(first);
        assertThat(ServerProcess.body(again.get("/v1/jobs")).get("jobs")).hasSize(1);

        HttpResponse<String> other = again.post("{\"prompt\":\"a pear\"}", "Idempotency-Key", "a-key");
        assertProblem(other, 422, "idempotency_key_reused");
        assertThat(again.post("{ \"n\" : 8, \"steps\" : 150, \"prompt\" : \"an apple\" }", "Idempotency-Key", "a-key")
                        .body())
                .as("the same said in another order")
                .isEqualTo(first);
        for (String key : List.of("", "two words", "x".repeat(256))) {
            assertProblem(again.post(BODY, "Idempotency-Key", key), 400, "invalid_idempotency_key");
        }
        assertThat(again.post(BODY, "Idempotency-Key", "x".repeat(255)).statusCode())
                .isEqualTo(202);
        assertProblem(
                again.post(BODY, "Idempotency-Key", "k", "Prefer", "wait=1, cancel-on-disconnect"),
                400,
                "invalid_prefer");
        assertProblem(again.post("{\"prompt\":\"\"}", "Idempotency-Key", "k"), 400, "invalid_request");
        assertThat(again.post(BODY, "Idempotency-Key", "k").statusCode())
                .as("what was refused takes no key")
                .isEqualTo(202);
    }

    @Test
    void whatWasWaitedForIsAnsweredAgainInEveryForm() throws Exception {
        ServerProcess server = quick.awaitReady();
        String body = "{\"prompt\":\"an apple\",\"steps\":2}";
        for (String accept : List.of("application/json", "image/png", "application/zip")) {
            HttpRequest.Builder request = server.request(
                            "/v1/images", "Accept", accept, "Prefer", "wait=60", "Idempotency-Key", accept)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body));
            HttpResponse<byte[]> first = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            HttpResponse<byte[]> second = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            assertThat(first.statusCode()).isEqualTo(200);
            assertThat(second.statusCode()).isEqualTo(200);
            assertThat(second.body()).isEqualTo(first.body());
            assertThat(second.headers().firstValue("Location"))
                    .isPresent()
                    .isEqualTo(first.headers().firstValue("Location"));
        }
        assertProblem(
                server.post(body, "Idempotency-Key", "image/png", "Accept", "image/webp"),
                422,
                "idempotency_key_reused");
    }

    @Test
    void inOpenAisShapeTooAndAClientThatHungUpMayComeBack() throws Exception {
        ServerProcess server = quick.awaitReady();
        int earlier = jobs(server, "succeeded");
        for (String stream : List.of("", ",\"stream\":true,\"partial_images\":1")) {
            String body = "{\"prompt\":\"an apple\",\"num_inference_steps\":30" + stream + "}";
            HttpRequest.Builder request = server.request(
                            "/v1/images/generations", "Idempotency-Key", "k" + stream.length())
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body));
            CompletableFuture<?> hungUp = client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
            await().atMost(Duration.ofSeconds(60)).until(() -> jobs(server, "running") == 1);
            hungUp.cancel(true);
            HttpResponse<String> first = server.send(request);
            assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
            assertThat(first.body()).contains(stream.isEmpty() ? "b64_json" : "image_generation.completed");
            HttpResponse<String> second = server.send(request);
            assertThat(second.headers().firstValue("Location"))
                    .isEqualTo(first.headers().firstValue("Location"));
            if (stream.isEmpty()) {
                assertThat(second.body()).isEqualTo(first.body());
            } else {
                assertThat(second.body()).contains("image_generation.completed");
            }
        }
        assertThat(jobs(server, "succeeded")).isEqualTo(earlier + 2);
        assertThat(jobs(server, "canceled")).isZero();
        HttpResponse<String> other = server.send(server.request("/v1/images/generations", "Idempotency-Key", "k0")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a pear\"}")));
        assertThat(other.statusCode()).isEqualTo(422);
        assertThat(ServerProcess.body(other).at("/error/code").stringValue()).isEqualTo("idempotency_key_reused");
    }

    private static int jobs(ServerProcess server, String state) throws Exception {
        return ServerProcess.body(server.get("/v1/jobs?state=" + state))
                .get("jobs")
                .size();
    }

    private ServerProcess start(String... settings) {
        ServerProcess server = ServerProcess.start(data, settings);
        started.add(server);
        return server;
    }

    private List<HttpResponse<String>> postAll(List<ServerProcess> servers) {
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < POSTS; i++) {
            HttpRequest request = servers.get(i % servers.size())
                    .request("/v1/images", "Idempotency-Key", "a-key", "Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(BODY))
                    .build();
            answers.add(post(request));
        }
        return answers.stream().map(CompletableFuture::join).toList();
    }

    /** Once more where nothing was accepted, since the database was too busy. */
    private CompletableFuture<HttpResponse<String>> post(HttpRequest request) {
        return client.sendAsync(request, HttpResponse.BodyHandlers.ofString())
                .thenCompose(answer ->
                        answer.statusCode() == 503 ? post(request) : CompletableFuture.completedFuture(answer));
    }

    /** The body that all answers have. */
    private static String oneAnswer(List<HttpResponse<String>> answers) {
        Set<String> seen = new HashSet<>();
        for (HttpResponse<String> answer : answers) {
            seen.add(answer.statusCode() + " "
                    + answer.headers().firstValue("Location").orElse("")
                    + answer.headers().firstValue("Content-Type").orElse("") + "\n" + answer.body());
        }
        assertThat(answers).hasSize(POSTS);
        assertThat(seen).hasSize(1).first().asString().startsWith("202 /v1/jobs/job_");
        return answers.get(0).body();
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String code) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        JsonNode problem = ServerProcess.body(answer);
        assertThat(problem.get("code").stringValue()).isEqualTo(code);
    }
}
