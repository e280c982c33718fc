package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a server writes to its log at the default level, as JSON. */
class LogTests {

    private static final String SECRET = "Xyzzy-and-nobody-may-read-it";

    @Test
    void aStructuredLogNamesJobsAndNoPrompt() throws Exception {
        try (ServerProcess server = ServerProcess.start(
                        ServerProcess.freshData("log"),
                        "--stub.step-time=5ms",
                        "--logging.structured.format.console=ecs",
                        "--darkroom.drain=0s")
                .awaitReady()) {
            String prompt = "\"prompt\":\"" + SECRET + "\"";
            HttpResponse<String> drawn =
                    server.post("{" + prompt + ",\"negative_prompt\":\"" + SECRET + "\"}", "Prefer", "wait=60");
            assertThat(drawn.statusCode()).isEqualTo(200);
            String made = drawn.headers().firstValue("X-Request-Id").orElseThrow();
            assertThat(made).matches("[0-9a-f-]{36}");
            String succeeded =
                    JsonMapper.shared().readTree(drawn.body()).get("id").stringValue();
            HttpResponse<String> refused = server.post("{\"steps\":4}", "X-Request-Id", "gateway-17:a");
            assertThat(refused.statusCode()).isEqualTo(400);
            assertThat(refused.headers().allValues("X-Request-Id")).containsExactly("gateway-17:a");
            assertThat(server.get("/v1/models", "X-Request-Id", "forged " + SECRET)
                            .headers()
                            .firstValue("X-Request-Id"))
                    .hasValueSatisfying(id -> assertThat(id).matches("[0-9a-f-]{36}"));
            // A job that fails where its prompt is read, and one in a step.
            String unencodable = server.submit("{\"prompt\":\"unencodable " + SECRET + "\"}");
            String unpredictable = server.submit("{\"prompt\":\"unpredictable " + SECRET + "\"}");
            for (String id : List.of(unencodable, unpredictable)) {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> server.job(id).get("state").stringValue().equals("failed"));
            }
            // Requests that are refused.
            for (String body : List.of(
                    "{" + prompt + ",\"steps\":0}",
                    "{" + prompt + ",\"" + SECRET + "\":1}",
                    "{" + prompt + ",\"steps\":\"" + SECRET + "\"}",
                    "{" + prompt + ",\"model\":\"" + SECRET + "\"}",
                    "{\"prompt\":\"" + SECRET)) {
                assertThat(server.post(body).statusCode()).isEqualTo(400);
            }
            assertThat(server.get("/v1/jobs/" + SECRET, "Authorization", "Bearer " + SECRET)
                            .statusCode())
                    .isEqualTo(404);
            HttpResponse<String> openAi =
                    server.send(server.request("/v1/images/generations", "Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString("{" + prompt + "}")));
            assertThat(openAi.statusCode()).isEqualTo(200);
            // One that is drawn when the server ends.
            server.submit("{" + prompt + ",\"steps\":150,\"n\":8}");
            server.stop();

            String log = server.log();
            assertThat(log).doesNotContain(SECRET);
            List<JsonNode> lines =
                    log.lines().map(JsonMapper.shared()::readTree).toList();
            assertThat(lines).hasSizeGreaterThan(5);
            for (String id : List.of(unencodable, unpredictable)) {
                assertThat(lines)
                        .filteredOn(line -> line.path("job_id").asString("").equals(id))
                        .extracting(line -> line.at("/log/level").asString())
                        .contains("WARN")
                        .containsOnlyOnce("INFO");
                assertThat(messages(lines))
                        .anyMatch(said -> said.startsWith("Job " + id + " failed with drawing_failed"));
            }
            assertThat(messages(lines))
                    .filteredOn(said -> said.contains(succeeded))
                    .satisfiesOnlyOnce(said -> assertThat(said)
                            .matches("Job " + succeeded
                                    + " succeeded: 1 of 1 pictures of stub, waited \\d+ ms, took \\d+ ms"));
            assertThat(messages(lines))
                    .filteredOn(said -> said.contains("is ready after"))
                    .singleElement()
                    .asString()
                    .contains("API on http://127.0.0.1:" + server.port())
                    .contains("actuator on http://127.0.0.1:" + server.managementPort());
            assertThat(lines)
                    .filteredOn(line -> line.path("message").asString("").equals("Refused a job: 400 invalid_request"))
                    .extracting(line -> line.path("request_id").asString(""))
                    .contains("gateway-17:a");
        }
    }

    private static List<String> messages(List<JsonNode> lines) {
        return lines.stream().map(line -> line.path("message").asString("")).toList();
    }
}
