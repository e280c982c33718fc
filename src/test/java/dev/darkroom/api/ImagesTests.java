package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.fleet.Models;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Quota;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Requests;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

class ImagesTests extends ServerTest {

    @Autowired
    private Models models;

    @Autowired
    private Jobs jobs;

    @Test
    void acceptsAJobAndSaysWhereItIs() {
        HttpResponse<String> answer = post("{\"prompt\":\"a red apple\",\"steps\":2,\"seed\":5,\"n\":2}");
        assertThat(answer.statusCode()).isEqualTo(202);
        JsonNode job = body(answer);
        assertThat(header(answer, "Location"))
                .isEqualTo("/v1/jobs/" + job.get("id").stringValue());
        assertThat(job.get("state").stringValue()).isEqualTo("queued");
        assertThat(job.get("seeds").toString()).isEqualTo("[5,6]");
        assertThat(job.get("created_at").stringValue()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z");

        HttpResponse<String> finished = get(header(answer, "Location") + "?wait_ms=60000");
        assertThat(body(finished).get("state").stringValue()).isEqualTo("succeeded");
        assertThat(body(finished).get("progress").toString()).isEqualTo("{\"step\":4,\"steps\":4}");
        assertThat(body(finished).get("images")).hasSize(2);
        assertThat(body(finished).get("timings").get("running_ms").longValue()).isNotNegative();
    }

    @Test
    void makesAJobWithJsonAlone() {
        String body = "{\"prompt\":\"a red apple\",\"steps\":1,\"seed\":5}";
        HttpResponse<String> accepted = send(request("/v1/jobs", "Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        assertThat(header(accepted, "Location"))
                .isEqualTo("/v1/jobs/" + body(accepted).get("id").stringValue());
        HttpResponse<String> finished = send(
                request("/v1/jobs", "Content-Type", "application/json", "Prefer", "wait=60", "Accept", "*/*, image/png")
                        .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(finished.statusCode()).isEqualTo(200);
        assertThat(body(finished).get("state").stringValue()).isEqualTo("succeeded");
        HttpResponse<String> picture =
                send(request("/v1/jobs", "Content-Type", "application/json", "Accept", "image/png")
                        .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(picture.statusCode()).isEqualTo(406);
        HttpResponse<String> wrong =
                send(request("/v1/jobs", "Content-Type", "image/png").POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(wrong.statusCode()).isEqualTo(415);
    }

    @Test
    void resolvesEveryParameterSoThatTheyCanBePostedAgain() {
        ModelInfo model = models.all().get(0);
        JsonNode first = body(post("{\"prompt\":\"a red apple\",\"steps\":1}", "Prefer", "wait=60"));
        JsonNode parameters = first.get("parameters");
        assertThat(parameters.get("model").stringValue()).isEqualTo(model.id());
        assertThat(parameters.get("width").intValue()).isEqualTo(model.width());
        assertThat(parameters.get("sampler").stringValue())
                .isEqualTo(model.sampler().id());

        JsonNode second = body(post(parameters.toString(), "Prefer", "wait=60"));
        assertThat(second.get("parameters")).isEqualTo(parameters);
        assertThat(second.get("images").get(0).get("sha256"))
                .isEqualTo(first.get("images").get(0).get("sha256"));
    }

    @Test
    void waitsForTheFinishedJobIfTheClientPrefersTo() {
        HttpResponse<String> answer =
                post("{\"prompt\":\"a red apple\",\"steps\":2}", "Prefer", "respond-async, wait=60");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "Preference-Applied")).isEqualTo("wait=60");
        assertThat(body(answer).get("state").stringValue()).isEqualTo("succeeded");
    }

    @Test
    void answersWithTheUnfinishedJobWhenTheWaitRunsOut() {
        HttpResponse<String> answer = post("{\"prompt\":\"a red apple\",\"steps\":150,\"n\":8}", "Prefer", "wait=0");
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(header(answer, "Preference-Applied")).isEqualTo("wait=0");
        HttpResponse<String> behind =
                post("{\"prompt\":\"a red apple\",\"steps\":150}", "Prefer", "wait=1", "Accept", "image/png");
        assertThat(behind.statusCode()).isEqualTo(202);
        assertThat(header(behind, "Content-Type")).isEqualTo("application/json");
        delete(header(answer, "Location"));
        delete(header(behind, "Location"));
    }

    @Test
    void answersWithThePictureItselfIfTheClientAcceptsOnlyThat() throws IOException {
        ModelInfo model = models.all().get(0);
        HttpResponse<byte[]> answer = send(
                posting("{\"prompt\":\"a red apple\",\"steps\":2,\"seed\":77}", "Accept", "image/png"),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "Content-Type")).isEqualTo("image/png");
        assertThat(header(answer, "Darkroom-Seed")).isEqualTo("77");
        assertThat(header(answer, "Content-Location")).isEqualTo(header(answer, "Location") + "/images/0");
        BufferedImage picture = ImageIO.read(new ByteArrayInputStream(answer.body()));
        assertThat(picture.getWidth()).isEqualTo(model.width());
        assertThat(picture.getHeight()).isEqualTo(model.height());

        HttpResponse<byte[]> again =
                send(request(header(answer, "Content-Location")).GET(), HttpResponse.BodyHandlers.ofByteArray());
        assertThat(again.body()).isEqualTo(answer.body());
    }

    @Test
    void prefersJsonWhenTheClientTakesAnything() {
        HttpResponse<String> answer =
                post("{\"prompt\":\"a red apple\",\"steps\":1}", "Accept", "image/png;q=0.5, */*;q=0.8");
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(header(answer, "Content-Type")).isEqualTo("application/json");
    }

    @Test
    void servesPicturesThatNeverChange() {
        JsonNode job = body(post("{\"prompt\":\"a red apple\",\"steps\":1}", "Prefer", "wait=60"));
        JsonNode image = job.get("images").get(0);
        HttpResponse<String> answer = get(image.get("url").stringValue());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "ETag")).isEqualTo("\"" + image.get("sha256").stringValue() + "\"");
        assertThat(header(answer, "Cache-Control")).contains("immutable").contains("max-age=31536000");
        assertThat(header(answer, "Content-Length"))
                .isEqualTo(image.get("bytes").toString());
        HttpResponse<String> known = get(image.get("url").stringValue(), "If-None-Match", header(answer, "ETag"));
        assertThat(known.statusCode()).isEqualTo(304);
    }

    @Test
    void aJobWhoseModelIsGoneFailsAndTellsWhy() {
        ModelInfo model = models.all().get(0);
        String id = jobs.submit(
                        Requests.of(
                                "gone",
                                Map.of(
                                        "prompt",
                                        "a red apple",
                                        "width",
                                        model.width(),
                                        "height",
                                        model.height(),
                                        "steps",
                                        1,
                                        "seed",
                                        0,
                                        "sampler",
                                        "ddim")),
                        JobOptions.DEFAULT,
                        "test",
                        Quota.NONE)
                .id();
        JsonNode job = body(get("/v1/jobs/" + id + "?wait_ms=60000"));
        assertThat(job.get("state").stringValue()).isEqualTo("failed");
        assertThat(job.get("error").get("code").stringValue()).isEqualTo("model_unavailable");
        assertThat(job.get("error").get("message").stringValue()).contains("gone");
    }

    @Test
    void isNotReadyAndTakesNoJobsWhileNoModelIsPublished() {
        List<ModelInfo> served = models.all();
        models.publish(List.of());
        try {
            assertThat(management("/actuator/health/readiness").statusCode()).isEqualTo(503);
            assertThat(management("/actuator/health/liveness").statusCode()).isEqualTo(200);
            HttpResponse<String> refused = post("{\"prompt\":\"a red apple\"}");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(body(refused).get("code").stringValue()).isEqualTo("no_model_ready");
            assertThat(header(refused, "Retry-After")).isNotEmpty();
        } finally {
            models.publish(served);
        }
        assertThat(management("/actuator/health/readiness").statusCode()).isEqualTo(200);
    }

    @Test
    void listsModelsWithDefaultsAndLimits() {
        ModelInfo model = models.all().get(0);
        JsonNode listed = body(get("/v1/models")).get("models").get(0);
        assertThat(listed.get("id").stringValue()).isEqualTo(model.id());
        assertThat(listed.get("defaults").get("steps").intValue()).isEqualTo(model.steps());
        assertThat(listed.get("limits").get("size_multiple").intValue()).isEqualTo(model.sizeMultiple());
        assertThat(body(get("/v1/models/" + model.id()))).isEqualTo(listed);
    }
}
