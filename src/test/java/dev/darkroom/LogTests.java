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
            assertThat(server.post("{" + prompt + ",\"negative_prompt\":\"" + SECRET + "\"}", "Prefer", "wait=60")
                            .statusCode())
                    .isEqualTo(200);
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
                        .isNotEmpty()
                        .allSatisfy(line ->
                                assertThat(line.at("/log/level").asString()).isEqualTo("WARN"));
            }
        }
    }
}
