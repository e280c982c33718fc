package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalManagementPort;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A test against the whole server over HTTP; all such tests share one server, its database and its model. */
@SpringBootTest(classes = Darkroom.class, webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
abstract class ServerTest {

    static final Duration LONG = Duration.ofSeconds(120);

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final JsonMapper JSON = JsonMapper.shared();

    @LocalServerPort
    private int port;

    @LocalManagementPort
    private int managementPort;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) throws IOException {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "data");
        registry.add("darkroom.data-dir", () -> data.toString());
        registry.add("darkroom.models-dir", () -> data.resolve("models").toString());
    }

    @BeforeEach
    void waitUntilReady() {
        await().atMost(LONG)
                .until(() -> management("/actuator/health/readiness").statusCode() == 200);
    }

    /** What the port for operators answers. */
    HttpResponse<String> management(String path) {
        return send(HttpRequest.newBuilder(URI.create("http://localhost:" + managementPort + path))
                .timeout(LONG));
    }

    HttpResponse<String> get(String path, String... headers) {
        return send(request(path, headers).GET());
    }

    HttpResponse<String> delete(String path) {
        return send(request(path).DELETE());
    }

    HttpResponse<String> post(String json, String... headers) {
        return send(posting(json, headers));
    }

    HttpRequest.Builder posting(String json, String... headers) {
        return request("/v1/images", headers)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json));
    }

    HttpRequest.Builder request(String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .timeout(LONG);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request;
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        return send(request, HttpResponse.BodyHandlers.ofString());
    }

    <T> HttpResponse<T> send(HttpRequest.Builder request, HttpResponse.BodyHandler<T> body) {
        try {
            return CLIENT.send(request.build(), body);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Posts a job that must be accepted and returns its id. */
    String submit(String json) {
        HttpResponse<String> answer = post(json);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return body(answer).get("id").stringValue();
    }

    JsonNode job(String id) {
        return body(get("/v1/jobs/" + id));
    }

    String state(String id) {
        return job(id).get("state").stringValue();
    }

    static JsonNode body(HttpResponse<String> answer) {
        return JSON.readTree(answer.body());
    }

    static JsonNode json(String text) {
        return JSON.readTree(text);
    }

    static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
