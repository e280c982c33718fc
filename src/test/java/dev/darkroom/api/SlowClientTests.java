package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.StubServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.json.JsonMapper;

/** A server with few threads and little patience, and clients who would take them. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.tomcat.threads.max=8",
            "server.tomcat.connection-timeout=2s",
            "darkroom.max-body-time=3s",
            "darkroom.max-streams=1"
        })
@Import(SlowClientTests.SmallBuffers.class)
class SlowClientTests {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** So that a client that reads nothing is noticed after kilobytes. */
    @TestConfiguration
    static class SmallBuffers {
        @Bean
        WebServerFactoryCustomizer<TomcatServletWebServerFactory> smallBuffers() {
            return factory ->
                    factory.addConnectorCustomizers(connector -> connector.setProperty("socket.txBufSize", "4096"));
        }
    }

    @LocalServerPort
    private int port;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) throws IOException {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "slow");
        registry.add("darkroom.data-dir", () -> data.toString());
        registry.add("management.server.port", () -> ""); // the API's own
    }

    @BeforeEach
    void waitUntilReady() {
        await().atMost(LONG).until(() -> get("/actuator/health/readiness").statusCode() == 200);
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return CLIENT.send(
                HttpRequest.newBuilder(uri(path)).timeout(LONG).build(), HttpResponse.BodyHandlers.ofString());
    }

    private URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    private Socket connect(String start) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout((int) LONG.toMillis());
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        socket.getOutputStream().write(start.getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    @Test
    void aClientThatSendsNothingIsCut() throws IOException {
        try (Socket socket = connect("GET /v1/models HTTP/1.1\r\nHost: local")) {
            assertThat(socket.getInputStream().readAllBytes()).isEmpty();
        }
    }

    @Test
    void clientsThatSendTheirHeadersSlowlyHoldNoThread() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                slow.add(connect("POST /v1/images HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
            }
            for (int second = 0; second < 3; second++) {
                for (Socket socket : slow) {
                    socket.getOutputStream().write('a');
                }
                assertThat(get("/v1/models").statusCode()).isEqualTo(200);
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    /** Also where nobody reads the body, since the request is refused before: the path does not exist. */
    @Test
    void clientsThatSendTheirBodySlowlyAreCut() throws Exception {
        ExecutorService clients = Executors.newCachedThreadPool();
        List<Future<String>> answers = new ArrayList<>();
        for (int i = 0; i < 16; i++) { // two for each of the server's threads
            Socket socket = connect("POST " + (i % 2 == 0 ? "/v1/images" : "/v1/nothing")
                    + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 60000\r\n\r\n{\"prompt\":\"");
            clients.execute(() -> drip(socket));
            answers.add(clients.submit(() -> answer(socket)));
        }
        for (int i = 0; i < answers.size(); i++) {
            String answer = answers.get(i).get(30, TimeUnit.SECONDS); // a whole body would take over an hour
            assertThat(answer).startsWith(i % 2 == 0 ? "HTTP/1.1 408" : "HTTP/1.1 404");
            if (i % 2 == 0) {
                assertThat(answer).contains("\"code\":\"body_too_slow\"");
            }
        }
        assertThat(get("/v1/models").statusCode()).isEqualTo(200);
        clients.shutdownNow();
    }

    /** A byte now and then, until the server hangs up. */
    private static void drip(Socket socket) {
        try {
            while (true) {
                socket.getOutputStream().write('a');
                Thread.sleep(100);
            }
        } catch (IOException e) {
            // It has.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String answer(Socket socket) throws IOException {
        StringBuilder answer = new StringBuilder();
        try (socket) {
            for (int next = socket.getInputStream().read();
                    next >= 0;
                    next = socket.getInputStream().read()) {
                answer.append((char) next);
            }
        } catch (SocketException e) {
            // Reset, since more came than the server wanted.
        }
        return answer.toString();
    }

    @Test
    void aClientThatReadsNothingOfAStreamIsCut() throws Exception {
        HttpResponse<String> posted = CLIENT.send(
                HttpRequest.newBuilder(uri("/v1/images"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\",\"steps\":150,\"n\":4}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        String events = "/v1/jobs/"
                + JsonMapper.shared().readTree(posted.body()).get("id").stringValue() + "/events";
        try (Socket socket = connect("GET " + events + " HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n");
                BufferedReader lines = new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 16)) {
            assertThat(lines.readLine()).startsWith("HTTP/1.1 200");
            // The one stream that there may be is his, until he is cut.
            await().atMost(LONG).until(() -> get(events).statusCode() == 200);
            assertThat(get("/v1/models").statusCode()).isEqualTo(200);
        }
    }
}
