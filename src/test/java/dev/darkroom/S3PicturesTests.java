package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.blobs.S3Server;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service with its pictures in a bucket. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class S3PicturesTests {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static Path data;
    private static S3Server store;

    @LocalServerPort
    private int port;

    private Service service;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) throws IOException {
        data = ServerProcess.freshData("s3");
        S3Server.credentials();
        store = new S3Server(data.resolve("store"), "pictures");
        registry.add("darkroom.data-dir", () -> data.toString());
        registry.add("darkroom.images", () -> "s3://pictures/darkroom");
        registry.add("darkroom.s3.endpoint", store::endpoint);
    }

    @AfterAll
    static void stop() {
        store.close();
    }

    @BeforeEach
    void waitUntilReady() {
        service = new Service(port);
        await().atMost(Duration.ofSeconds(60)).until(service::isReady);
    }

    @Test
    void aPictureIsInTheBucketAndAtTheSameAddress() throws Exception {
        String id = service.post("{\"prompt\":\"an apple\",\"seed\":1}");
        String hash = service.picture(id);
        assertThat(store.data().resolve("pictures/darkroom/" + hash.substring(0, 2) + "/" + hash + ".png"))
                .isRegularFile();
        assertThat(data.resolve("images")).doesNotExist();

        HttpResponse<byte[]> answer = picture(id);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("image/png");
        assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(answer.body())))
                .isEqualTo(hash);

        HttpResponse<byte[]> part = picture(id, "Range", "bytes=1-3");
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo("PNG".getBytes(StandardCharsets.US_ASCII));
        assertThat(picture(
                                id,
                                "If-None-Match",
                                answer.headers().firstValue("ETag").orElseThrow())
                        .statusCode())
                .isEqualTo(304);
    }

    @Test
    void whileTheStoreIsAwayPicturesWaitForIt() throws Exception {
        String drawn = service.post("{\"prompt\":\"an apple\",\"seed\":2}");
        service.picture(drawn);
        store.kill();
        String waiting;
        try {
            HttpResponse<byte[]> answer = picture(drawn);
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
            assertThat(answer.headers().firstValue("Retry-After")).isPresent();
            JsonNode problem = JsonMapper.shared().readTree(answer.body());
            assertThat(problem.get("code").stringValue()).isEqualTo("image_store_unavailable");
            assertThat(problem.toString()).doesNotContain("127.0.0.1", "s3://");

            waiting = service.post("{\"prompt\":\"a car\",\"seed\":3,\"steps\":1}");
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> service.job(waiting).at("/progress/step").asInt(0) > 0
                            || service.job(waiting).get("state").stringValue().equals("running"));
        } finally {
            store.restart();
        }
        assertThat(service.ended(waiting).get("state").stringValue()).isEqualTo("succeeded");
        assertThat(picture(waiting).statusCode()).isEqualTo(200);
        assertThat(picture(drawn).statusCode()).isEqualTo(200);
        try (var files = Files.walk(store.data())) {
            assertThat(files.filter(Files::isRegularFile).map(Path::toString)).allMatch(file -> file.endsWith(".png"));
        }
    }

    private HttpResponse<byte[]> picture(String id, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/v1/jobs/" + id + "/images/0"));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }
}
