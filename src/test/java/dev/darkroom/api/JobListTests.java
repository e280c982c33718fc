package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.Darkroom;
import dev.darkroom.ServerProcess;
import dev.darkroom.StubServer;
import dev.darkroom.fleet.Models;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Quota;
import dev.darkroom.request.Draft;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Request;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** {@code GET /v1/jobs}. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = "stub.step-time=1ms")
class JobListTests {

    private final HttpClient client = HttpClient.newHttpClient();

    @LocalServerPort
    private int port;

    @Autowired
    private Jobs jobs;

    @Autowired
    private Models models;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) {
        registry.add("darkroom.data-dir", () -> ServerProcess.freshData("list").toString());
    }

    @BeforeEach
    void waitUntilReady() {
        Awaitility.await().atMost(ServerTest.LONG).until(() -> !models.all().isEmpty());
    }

    @Test
    void pagesHaveEveryJobOnceWhileOthersArePosted() throws Exception {
        List<String> before = new ArrayList<>();
        for (int i = 0; i < 45; i++) {
            before.add(submit("address:127.0.0.1"));
        }
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> posting = CompletableFuture.runAsync(() -> {
            while (!done.get()) {
                submit("address:127.0.0.1");
            }
        });
        List<String> seen = new ArrayList<>();
        String next = "?limit=7";
        while (next != null) {
            JsonNode page = page(next);
            assertThat(page.get("jobs").size()).isBetween(1, 7);
            page.get("jobs").forEach(job -> seen.add(job.get("id").stringValue()));
            next = page.has("next_cursor")
                    ? "?limit=7&cursor=" + page.get("next_cursor").stringValue()
                    : null;
        }
        done.set(true);
        posting.join();
        assertThat(seen).doesNotHaveDuplicates().isSortedAccordingTo(Comparator.reverseOrder());
        assertThat(seen).containsAll(before);
    }

    @Test
    void hasOnlyTheCallersOwnJobsInTheStatesAskedFor() throws Exception {
        String others = submit("name:somebody else");
        String own = submit("address:127.0.0.1");
        jobs.ended(own, ServerTest.LONG).join();
        jobs.ended(others, ServerTest.LONG).join();
        List<String> succeeded = ids(page("?state=succeeded&limit=100"));
        assertThat(succeeded).contains(own).doesNotContain(others);
        assertThat(ids(page("?state=failed&state=canceled"))).isEmpty();
        assertThat(ids(page("?state=failed&state=succeeded&limit=100"))).contains(own);
        JsonNode first = page("?state=succeeded&limit=1").at("/jobs/0");
        assertThat(first.get("images")).hasSize(1);
        assertThat(first.at("/parameters/prompt").stringValue()).isEqualTo("an apple");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "limit=0",
                "limit=101",
                "limit=x",
                "cursor=x",
                "cursor=",
                "cursor=am9iX3g",
                "state=gone",
                "state="
            })
    void refusesWhatItCannotRead(String query) throws Exception {
        HttpResponse<String> answer = get("?" + query);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
        assertThat(ServerTest.body(answer).get("code").stringValue()).isEqualTo("invalid_parameter");
        assertThat(ServerTest.body(answer).get("detail").stringValue()).contains(query.split("=")[0]);
    }

    private static List<String> ids(JsonNode page) {
        return page.get("jobs")
                .valueStream()
                .map(job -> job.get("id").stringValue())
                .toList();
    }

    private String submit(String caller) {
        Request request = Request.of(
                Draft.of(Map.of("prompt", "an apple", "steps", 1)), models.all().get(0));
        return jobs.submit(request, JobOptions.DEFAULT, caller, Quota.NONE).id();
    }

    private JsonNode page(String query) throws Exception {
        HttpResponse<String> answer = get(query);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return ServerTest.body(answer);
    }

    private HttpResponse<String> get(String query) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/jobs" + query))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
