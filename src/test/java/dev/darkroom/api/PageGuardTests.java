package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.test.context.TestPropertySource;

/** What pages in a browser on this machine can do to a server without credentials: nothing. */
@TestPropertySource(properties = "darkroom.cors-origins=https://app.example,http://localhost:3000")
class PageGuardTests extends ServerTest {

    private static final String EVIL = "https://evil.example";
    private static final String BODY = "{\"prompt\":\"a red apple\",\"steps\":1}";

    private int port() {
        return request("/").GET().build().uri().getPort();
    }

    private static void isRefused(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(403);
        assertThat(answer.body()).contains("cross_origin");
    }

    /** The types that a page may send without asking first, and one that it may not. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/json",
                "image/png"
            })
    void aPageOfAnotherOriginCannotPost(String type) {
        for (String path : new String[] {"/v1/images", "/v1/images/generations"}) {
            for (String origin : new String[] {EVIL, "null", "http://localhost:1", "https://localhost:" + port()}) {
                isRefused(send(request(path, "Origin", origin, "Content-Type", type)
                        .POST(HttpRequest.BodyPublishers.ofString(BODY.replace("red apple", "thing of evil")))));
            }
        }
        assertThat(get("/v1/jobs").body()).contains("jobs").doesNotContain("evil");
    }

    @Test
    void aPageOfAnotherOriginCannotReadOrCancelOrAskWhetherItMay() {
        String job = "018f0000000000000000000000";
        for (String path : new String[] {
            "/v1/jobs", "/v1/jobs/" + job, "/v1/jobs/" + job + "/events", "/v1/models", "/v3/api-docs", "/", "/nothing"
        }) {
            isRefused(get(path, "Origin", EVIL));
            isRefused(get(path, "Origin", "null"));
        }
        isRefused(send(request("/v1/jobs/" + job, "Origin", EVIL).DELETE()));
        HttpResponse<String> preflight =
                send(request("/v1/images", "Origin", EVIL, "Access-Control-Request-Method", "POST")
                        .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
        assertThat(preflight.statusCode()).isEqualTo(403);
        assertThat(preflight.headers().map()).doesNotContainKey("access-control-allow-origin");
    }

    /** An image, a script, a form that is sent by GET, a frame: no {@code Origin} tells of these. */
    @ParameterizedTest
    @CsvSource({
        "cross-site, no-cors, image",
        "same-site, no-cors, script",
        "cross-site, cors, empty",
        "cross-site, navigate, iframe"
    })
    void aPageOfAnotherOriginCannotLoadAnything(String site, String mode, String destination) {
        for (String path : new String[] {"/v1/jobs", "/v1/models", "/v1/jobs/x/events"}) {
            isRefused(get(path, "Sec-Fetch-Site", site, "Sec-Fetch-Mode", mode, "Sec-Fetch-Dest", destination));
        }
    }

    @Test
    void thePortOfTheActuatorIsNoWayAround() {
        URI health = management("/actuator/health").uri();
        assertThat(send(HttpRequest.newBuilder(health)).statusCode()).isEqualTo(200);
        isRefused(send(HttpRequest.newBuilder(health).header("Origin", EVIL)));
        assertThat(raw(
                        health.getPort(),
                        "GET /actuator/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 421");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/images", "/v1/jobs", "/v1/jobs/x/events", "/", "/v3/api-docs", "/nothing"})
    void anotherNameThatLeadsHereIsRefusedOnEveryPath(String path) {
        for (String host :
                new String[] {"evil.example", "evil.example:" + port(), "localhost.evil.example", "10.0.0.1"}) {
            assertThat(raw(port(), "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
                    .as(host)
                    .startsWith("HTTP/1.1 421")
                    .contains("wrong_host");
        }
    }

    @Test
    void itsOwnPageAndProgramsAndAllowedPagesAndLinksAreServed() {
        String own = "http://localhost:" + port();
        assertThat(post(BODY, "Origin", own, "Sec-Fetch-Site", "same-origin").statusCode())
                .isEqualTo(202);
        assertThat(post(BODY).statusCode()).isEqualTo(202);
        assertThat(get("/v1/models", "Sec-Fetch-Site", "none").statusCode()).isEqualTo(200);
        for (String page : new String[] {"https://app.example", "http://localhost:3000"}) {
            assertThat(post(BODY, "Origin", page, "Sec-Fetch-Site", "cross-site")
                            .statusCode())
                    .isEqualTo(202);
            assertThat(get("/v1/models", "Sec-Fetch-Site", "cross-site", "Referer", page + "/a?b")
                            .statusCode())
                    .isEqualTo(200);
        }
        assertThat(get(
                                "/v1/models",
                                "Sec-Fetch-Site",
                                "cross-site",
                                "Sec-Fetch-Mode",
                                "navigate",
                                "Sec-Fetch-Dest",
                                "document",
                                "Referer",
                                EVIL + "/")
                        .statusCode())
                .isEqualTo(200);
    }

    private static String raw(int port, String request) {
        try (Socket socket = new Socket("localhost", port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
