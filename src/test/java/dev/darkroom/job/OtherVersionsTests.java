package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.ServerProcess;
import dev.darkroom.Service;
import dev.darkroom.StubServer;
import dev.darkroom.fleet.Models;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Draft;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Request;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** What other versions of Darkroom wrote, and what they will read. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = "stub.step-time=5ms")
class OtherVersionsTests {
    private static final Duration LONG = Duration.ofSeconds(60);

    @LocalServerPort
    private int port;

    @Autowired
    private JobStore store;

    @Autowired
    private QueueEntries queue;

    @Autowired
    private Models models;

    @Autowired
    private JdbcClient sql;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) {
        registry.add(
                "darkroom.data-dir", () -> ServerProcess.freshData("unreadable").toString());
    }

    @BeforeEach
    void waitUntilReady() {
        await().atMost(LONG).until(() -> !models.all().isEmpty());
    }

    /** A client may send its request again after an upgrade. These digests were made by commit b202231. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "/v1/images | {'prompt':'a red apple','steps':2,'seed':7,'guidance_scale':2.5,'timesteps':null}"
                        + " | c2bc4c6a0b7ddf4f5682c9caa7478f00b77fbef653e4d444fec62de4bb32b25d",
                "/v1/images/generations | {'prompt':'a red apple','num_inference_steps':2,'seed':7}"
                        + " | bfe6f35ea46eff3c7c73643b8d4d110a1747823115652f179fdbfa4cbcb26a2d",
            })
    void theDigestOfARequestStaysTheSameWhateverFieldsAreAdded(String path, String body, String digest)
            throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json")
                .header("Idempotency-Key", path)
                .POST(HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))
                .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 202);
        assertThat(sql.sql("select request from idempotency where idempotency_key = ?")
                        .param(path)
                        .query(String.class)
                        .single())
                .isEqualTo(digest);
    }

    @Test
    void aJobThatCannotBeReadFailsAloneWithACodeAndIsShownAsFarAsPossible() {
        Service service = new Service(port);
        String before = service.post("{\"prompt\":\"before\"}");
        Request request = Request.of(
                Draft.of(Map.of("prompt", "an apple", "n", 2)), models.all().get(0));
        // Whoever may do anything without a key is the caller "anonymous".
        String id = store.insert(
                        request,
                        Cost.of(request, false),
                        JobOptions.DEFAULT,
                        store.caller(before).orElseThrow(),
                        Quota.NONE,
                        (job, tag) -> {
                            sql.sql("update job set spec = '{\"prompt\":\"from the future\",\"sampler\":\"TELEPORT\"}'"
                                            + " where id = ?")
                                    .param(job)
                                    .update();
                            queue.add(job, tag);
                        })
                .id();
        String after = service.post("{\"prompt\":\"after\"}");

        JsonNode job = service.ended(id);
        assertThat(job.get("state").stringValue()).isEqualTo("failed");
        assertThat(job.at("/error/code").stringValue()).isEqualTo("unreadable");
        assertThat(job.has("parameters")).isFalse();
        assertThat(job.at("/progress/steps").intValue())
                .isEqualTo(2 * request.sampling().steps());
        assertThat(service.ended(after).get("state").stringValue()).isEqualTo("succeeded");
        JsonNode list = service.get("/v1/jobs");
        assertThat(list.get("jobs"))
                .extracting(each -> each.get("id").stringValue())
                .contains(after, id, before);
        assertThat(service.get("/v1/jobs/" + id + "/images/0").get("code").stringValue())
                .isEqualTo("job_unreadable");
        assertThat(service.events(id)).last().extracting(Service.Event::name).isEqualTo("failed");
        assertThat(sql.sql("select count(*) from scheduled_tasks where task_instance = ?")
                        .param(id)
                        .query(Integer.class)
                        .single())
                .as("not tried for ever")
                .isZero();
    }
}
