package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

/** What a browser asks before it lets a page's script call, and see the answer. */
class CorsTests {

    private static final String PAGE = "https://app.example";

    @Test
    void onlyPagesOfTheSettingMayCallFromABrowser() throws Exception {
        try (ServerProcess server = ServerProcess.within(
                        ServerProcess.freshData("cors"), "--darkroom.cors-origins=" + PAGE + ",http://localhost:3000")
                .awaitReady()) {
            for (String page : new String[] {PAGE, "http://localhost:3000"}) {
                HttpResponse<String> preflight = preflight(server, page);
                assertThat(preflight.statusCode()).isEqualTo(200);
                assertThat(header(preflight, "Access-Control-Allow-Origin")).isEqualTo(page);
                assertThat(header(preflight, "Access-Control-Allow-Methods")).contains("DELETE");
                assertThat(header(preflight, "Access-Control-Allow-Headers"))
                        .contains("authorization", "content-type", "prefer");
                assertThat(header(preflight, "Access-Control-Allow-Credentials"))
                        .isEmpty();
                HttpResponse<String> answer = server.post("{\"prompt\":\"a\",\"steps\":1}", "Origin", page);
                assertThat(answer.statusCode()).isEqualTo(202);
                assertThat(header(answer, "Access-Control-Allow-Origin")).isEqualTo(page);
                assertThat(header(answer, "Access-Control-Expose-Headers")).isEqualTo("*");
            }
            HttpResponse<String> other = preflight(server, "https://app.example.evil.example");
            assertThat(other.statusCode()).isEqualTo(403);
            assertThat(header(other, "Access-Control-Allow-Origin")).isEmpty();
            assertThat(header(server.get("/v1/models", "Origin", "null"), "Access-Control-Allow-Origin"))
                    .isEmpty();
        }
    }

    @Test
    void noPageMayWithoutIt() throws Exception {
        try (ServerProcess server =
                ServerProcess.within(ServerProcess.freshData("cors")).awaitReady()) {
            assertThat(header(preflight(server, PAGE), "Access-Control-Allow-Origin"))
                    .isEmpty();
            assertThat(header(server.get("/v1/models", "Origin", PAGE), "Access-Control-Allow-Origin"))
                    .isEmpty();
        }
    }

    private static HttpResponse<String> preflight(ServerProcess server, String page) throws Exception {
        return server.send(server.request(
                        "/v1/images",
                        "Origin",
                        page,
                        "Access-Control-Request-Method",
                        "POST",
                        "Access-Control-Request-Headers",
                        "authorization, content-type, prefer")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
