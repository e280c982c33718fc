package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The stub server as a process of its own. */
class StubServerTests {
    private int port;

    @Test
    void drawsPicturesThatDependOnPromptAndSeedWithoutLoadingTorch() throws Exception {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "stub");
        port = ServerProcess.freePort();
        List<String> command = JavaProcess.command(StubServer.class);
        command.addAll(List.of("--server.port=" + port, "--darkroom.data-dir=" + data, "--stub.step-time=5ms"));
        Process server = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(data.resolve("server.log").toFile())
                .start();
        try {
            await().atMost(Duration.ofSeconds(60)).until(() -> new Service(port).isReady());
            String apple = draw("{\"prompt\":\"an apple\",\"seed\":1}");
            assertThat(draw("{\"prompt\":\"an apple\",\"seed\":1}")).isEqualTo(apple);
            assertThat(draw("{\"prompt\":\"an apple\",\"seed\":2}")).isNotEqualTo(apple);
            assertThat(draw("{\"prompt\":\"a car\",\"seed\":1}")).isNotEqualTo(apple);
            assertThat(draw("{\"prompt\":\"an apple\",\"seed\":1,\"guidance_scale\":3}"))
                    .isNotEqualTo(apple);
            assertThat(Files.readString(Path.of("/proc/" + server.pid() + "/maps")))
                    .doesNotContain("libtorch");
        } finally {
            server.destroyForcibly();
        }
    }

    /** @return the picture's hash */
    private String draw(String body) throws IOException, InterruptedException {
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/v1/images"))
                                .header("Content-Type", "application/json")
                                .header("Prefer", "wait=30")
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        JsonNode job = JsonMapper.shared().readTree(answer.body());
        assertThat(job.at("/state").asString("")).as(answer.body()).isEqualTo("succeeded");
        return job.at("/images/0/sha256").stringValue();
    }
}
