package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

class JobsTests extends ServerTest {

    @Autowired
    private JdbcClient sql;

    private record Event(long id, String name, JsonNode data) {}

    @Test
    void tellsEverythingThatHappenedInOrder() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":5,\"seed\":3}");
        List<Event> events = events(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "0"));
        assertThat(events)
                .extracting(Event::name)
                .containsExactly("queued", "started", "step", "step", "step", "step", "step", "image", "succeeded");
        assertThat(events)
                .extracting(Event::id)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 9).boxed().toList());
        assertThat(events.get(4).data().toString()).isEqualTo("{\"image\":0,\"step\":3,\"steps\":5}");
        JsonNode image = events.get(7).data();
        assertThat(image.get("seed").longValue()).isEqualTo(3);
        assertThat(get(image.get("url").stringValue()).statusCode()).isEqualTo(200);
        assertThat(events.get(8).data()).isEqualTo(job(id));
    }

    @Test
    void beginsWithASnapshotForAClientThatHasNothing() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":20}");
        HttpResponse<String> answer = get("/v1/jobs/" + id + "/events");
        assertThat(header(answer, "Content-Type")).isEqualTo("text/event-stream");
        assertThat(header(answer, "Cache-Control")).contains("no-store");
        assertThat(header(answer, "X-Accel-Buffering")).isEqualTo("no");
        List<Event> events = events(answer);
        assertThat(events.get(0).name()).isEqualTo("snapshot");
        assertThat(events.get(0).data().get("id").stringValue()).isEqualTo(id);
        assertThat(events.get(events.size() - 1).name()).isEqualTo("succeeded");
        long first = events.get(0).id();
        assertThat(events)
                .extracting(Event::id)
                .containsExactlyElementsOf(
                        LongStream.range(first, first + events.size()).boxed().toList());
    }

    @Test
    void givesAClientThatComesBackExactlyWhatItMissed() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":6,\"n\":2}");
        List<Event> all = events(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "0"));
        assertThat(events(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "7")))
                .isEqualTo(all.subList(7, all.size()));
    }

    @Test
    void tellsAClientThatHasEverythingNotToComeBack() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":1}");
        List<Event> all = events(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "0"));
        HttpResponse<String> answer = get("/v1/jobs/" + id + "/events", "Last-Event-ID", Integer.toString(all.size()));
        assertThat(answer.statusCode()).isEqualTo(204);
        assertThat(events(get("/v1/jobs/" + id + "/events")))
                .extracting(Event::name)
                .containsExactly("snapshot");
    }

    @Test
    void cancelsARunningJobWithinOneStepOfItsPictures() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":150,\"n\":8}");
        await().atMost(LONG).until(() -> job(id).get("progress").get("step").intValue() > 0);
        HttpResponse<String> answer = delete("/v1/jobs/" + id);
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(body(answer).get("cancel_requested").booleanValue()).isTrue();
        int stepThen = body(answer).get("progress").get("step").intValue();

        JsonNode ended = body(get("/v1/jobs/" + id + "?wait_ms=60000"));
        assertThat(ended.get("state").stringValue()).isEqualTo("canceled");
        assertThat(ended.get("progress").get("step").intValue()).isLessThanOrEqualTo(stepThen + 2 * 8);
        List<Event> events = events(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "0"));
        assertThat(events.get(events.size() - 1).name()).isEqualTo("canceled");
        assertThat(delete("/v1/jobs/" + id).statusCode()).isEqualTo(200);
    }

    @Test
    void cancelsAQueuedJobAtOnce() {
        String running = submit("{\"prompt\":\"a red apple\",\"steps\":150,\"n\":8}");
        await().atMost(LONG).until(() -> state(running).equals("running"));
        String queued = submit("{\"prompt\":\"a red apple\",\"steps\":150}");
        HttpResponse<String> answer = delete("/v1/jobs/" + queued);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(body(answer).get("state").stringValue()).isEqualTo("canceled");
        assertThat(events(get("/v1/jobs/" + queued + "/events", "Last-Event-ID", "0")))
                .extracting(Event::name)
                .containsExactly("queued", "canceled");
        assertThat(state(running)).isEqualTo("running");
        delete("/v1/jobs/" + running);
    }

    @Test
    void tellsAClientThatWaitsForThePictureThatItsJobWasCanceled() throws Exception {
        CompletableFuture<HttpResponse<String>> waiting = CompletableFuture.supplyAsync(
                () -> post("{\"prompt\":\"to be canceled\",\"steps\":150}", "Accept", "image/png"));
        String id = await().atMost(LONG)
                .until(
                        () -> sql.sql("select id from job where spec like '%to be canceled%'")
                                .query(String.class)
                                .optional(),
                        Optional::isPresent)
                .orElseThrow();
        delete("/v1/jobs/" + id);
        HttpResponse<String> answer = waiting.get();
        assertThat(answer.statusCode()).isEqualTo(409);
        assertThat(header(answer, "Location")).isEqualTo("/v1/jobs/" + id);
        assertThat(body(answer).get("code").stringValue()).isEqualTo("job_canceled");
    }

    @Test
    void drawsOtherJobsWhileALongOneIsRunning() {
        String running = submit("{\"prompt\":\"a red apple\",\"steps\":150}");
        await().atMost(LONG).until(() -> state(running).equals("running"));
        HttpResponse<String> answer = post("{\"prompt\":\"a blue car\",\"steps\":2}", "Prefer", "wait=60");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(state(running)).isEqualTo("running");
        delete("/v1/jobs/" + running);
    }

    private static List<Event> events(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        List<Event> events = new ArrayList<>();
        for (String block : answer.body().strip().split("\n\n")) {
            long id = -1;
            String name = "";
            StringBuilder data = new StringBuilder();
            for (String line : block.split("\n")) {
                String value = line.substring(line.indexOf(':') + 1);
                switch (line.substring(0, line.indexOf(':'))) {
                    case "id" -> id = Long.parseLong(value);
                    case "event" -> name = value;
                    case "data" -> data.append(value);
                    default -> {}
                }
            }
            if (!data.isEmpty()) {
                events.add(new Event(id, name, json(data.toString())));
            }
        }
        return events;
    }

    @Test
    void givesPicturesAndEventsToClientsThatOnlySayHowTheyTakeErrors() {
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":1}");
        HttpResponse<String> events = get("/v1/jobs/" + id + "/events", "Accept", "application/problem+json");
        assertThat(events.statusCode()).as(events.body()).isEqualTo(200);
        assertThat(header(events, "Content-Type")).startsWith("text/event-stream");
        HttpResponse<String> picture = get("/v1/jobs/" + id + "/images/0", "Accept", "application/problem+json");
        assertThat(picture.statusCode()).as(picture.body()).isEqualTo(200);
        assertThat(header(picture, "Content-Type")).isEqualTo("image/png");
    }

    @Test
    void nothingIsKeptOfStreamsThatEndAsSoonAsTheyBegin() {
        String id = body(post("{\"prompt\":\"a\",\"steps\":1}", "Prefer", "wait=60"))
                .get("id")
                .stringValue();
        for (int i = 0; i < 200; i++) {
            assertThat(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "0").body())
                    .contains("event:succeeded");
        }
        await().atMost(LONG)
                .until(() -> management("/actuator/prometheus")
                        .body()
                        .matches("(?s).*darkroom_streams(\\{[^}]*})? 0\\.0.*"));
    }
}
