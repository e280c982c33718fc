package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Who reaches a server, by what it knows of callers; and keys made beside a running one. */
class ListeningTests {

    @Test
    void withoutKeysOnlyThisMachineIsServed() throws Exception {
        Path data = ServerProcess.freshData("loopback");
        try (ServerProcess server = ServerProcess.start(data).awaitReady()) {
            assertThat(server.get("/v1/models").statusCode()).isEqualTo(200);
            for (String own : new String[] {"127.0.0.1", "::1"}) {
                assertThat(reaches(InetAddress.getByName(own), server.port()))
                        .as(own)
                        .isTrue();
                assertThat(reaches(InetAddress.getByName(own), server.managementPort()))
                        .as(own)
                        .isTrue();
            }
            assertThat(answer("::1", server.port(), "/v1/models", "[::1]:" + server.port()))
                    .startsWith("HTTP/1.1 200");
            for (InetAddress other : otherAddresses()) {
                assertThat(reaches(other, server.port())).as("%s", other).isFalse();
                assertThat(reaches(other, server.managementPort()))
                        .as("%s", other)
                        .isFalse();
            }
            assertThat(answer(server.port(), "/v1/models", "rebound.example")).startsWith("HTTP/1.1 421");
            assertThat(server.log()).contains("Serving this machine only");

            // Its database is its own.
            Result refused = keys(data, "create", "gateway");
            assertThat(refused.status).isEqualTo(1);
            assertThat(refused.output)
                    .contains("in use by a running server", "stop the server", "--setting")
                    .doesNotContain("Exception");
        }
        Result made = keys(data, "create", "gateway");
        assertThat(made.status).as(made.output).isZero();
        String key = made.output
                .lines()
                .filter(line -> line.startsWith("dk_"))
                .findFirst()
                .orElseThrow();
        try (ServerProcess server = ServerProcess.within(
                data, "--server.address=0.0.0.0", "--management.endpoints.web.exposure.include=health,info")) {
            // The actuator's own port asks nobody, whatever it is called: probes and monitoring have no key.
            await().atMost(Duration.ofSeconds(120))
                    .until(() -> answer(server.managementPort(), "/actuator/health/readiness", "10.0.0.1:8081")
                            .startsWith("HTTP/1.1 200"));
            assertThat(answer(server.managementPort(), "/actuator/info", "pod")).startsWith("HTTP/1.1 200");
            assertThat(server.get("/actuator/info").statusCode()).isEqualTo(401);
            assertThat(server.get("/v1/models").statusCode()).isEqualTo(401);
            assertThat(server.get("/v1/models", "Authorization", "Bearer " + key)
                            .statusCode())
                    .isEqualTo(200);
            for (InetAddress other : otherAddresses()) {
                assertThat(reaches(other, server.port())).as("%s", other).isTrue();
            }
        }
    }

    @Test
    void withoutKeysOtherAddressesAreRefusedUnlessASettingAllowsThem() throws Exception {
        Path data = ServerProcess.freshData("addresses");
        try (ServerProcess server = ServerProcess.start(data, "--server.address=0.0.0.0")) {
            assertThat(server.awaitExit(Duration.ofSeconds(120))).isEqualTo(1);
            assertThat(server.log())
                    .contains(
                            "server.address",
                            "keys create",
                            "spring.security.oauth2.resourceserver.jwt.issuer-uri",
                            "darkroom.anonymous=true")
                    .doesNotContain("\tat ");
        }
        try (ServerProcess server = ServerProcess.within(
                        data,
                        "--server.address=0.0.0.0",
                        "--darkroom.anonymous=true",
                        "--server.forward-headers-strategy=framework")
                .awaitReady()) {
            behindAProxy(server);
            assertThat(server.get("/v1/models").statusCode()).isEqualTo(200);
            assertThat(answer(server.port(), "/v1/models", "any.example")).startsWith("HTTP/1.1 200");
            for (InetAddress other : otherAddresses()) {
                assertThat(reaches(other, server.port())).as("%s", other).isTrue();
                assertThat(reaches(other, server.managementPort()))
                        .as("%s", other)
                        .isTrue();
            }
        }
    }

    /** TLS ends there, and the service lies below a path. */
    private static void behindAProxy(ServerProcess server) throws Exception {
        String[] proxy = {
            "X-Forwarded-Proto", "https", "X-Forwarded-Host", "img.example.com", "X-Forwarded-Prefix", "/draw"
        };
        HttpResponse<String> posted = server.post("{\"prompt\":\"a\",\"steps\":1}", proxy);
        String job = posted.headers().firstValue("Location").orElseThrow();
        assertThat(job).startsWith("/draw/v1/jobs/");
        assertThat(ServerProcess.body(posted).get("events_url").stringValue()).isEqualTo(job + "/events");

        String own = job.substring("/draw".length());
        JsonNode ended = ServerProcess.body(server.get(own + "?wait_ms=60000", proxy));
        assertThat(ended.at("/images/0/url").stringValue()).isEqualTo(job + "/images/0");
        assertThat(ServerProcess.body(server.get("/v1/jobs", proxy))
                        .at("/jobs/0/images/0/url")
                        .stringValue())
                .isEqualTo(job + "/images/0");
        assertThat(server.get(own + "/events", proxy).body()).contains("\"events_url\":\"" + job + "/events\"");
        assertThat(server.get("/", proxy).headers().firstValue("Location")).contains("/draw/swagger-ui.html");

        HttpResponse<String> openAi = server.send(server.request("/v1/images/generations", proxy)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(
                        "{\"prompt\":\"a\",\"num_inference_steps\":1,\"response_format\":\"url\"}")));
        assertThat(ServerProcess.body(openAi).at("/data/0/url").stringValue())
                .startsWith("https://img.example.com/draw/v1/pictures/");
        assertThat(openAi.headers().firstValue("Location").orElseThrow()).startsWith("/draw/v1/jobs/");

        for (String odd :
                new String[] {"/a b", "/\"", "%", "/%", "/%2", "/%zz/b", "a:b://c", "draw", "/a, b", "/a?b", "/a#b"}) {
            HttpResponse<String> refused = server.post("{\"prompt\":\"a\",\"steps\":1}", "X-Forwarded-Prefix", odd);
            assertThat(refused.statusCode()).as(odd + ": " + refused.body()).isEqualTo(400);
            assertThat(ServerProcess.body(refused).get("code").stringValue()).isEqualTo("invalid_parameter");
            assertThat(ServerProcess.body(refused).get("detail").stringValue()).contains("X-Forwarded-Prefix");
        }
        for (String usual : new String[] {"", "/", "//", "/a/", "/a,/b/", "/%C3%A9", "/a.b-c_d~e"}) {
            assertThat(server.get("/v1/models", "X-Forwarded-Prefix", usual).statusCode())
                    .as(usual)
                    .isEqualTo(200);
        }
    }

    private record Result(int status, String output) {}

    private static Result keys(Path data, String... arguments) throws IOException, InterruptedException {
        List<String> command = JavaProcess.command(Darkroom.class);
        command.add("keys");
        command.addAll(List.of(arguments));
        command.add("--darkroom.data-dir=" + data);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Result(process.exitValue(), output);
    }

    private static List<InetAddress> otherAddresses() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .toList();
    }

    private static boolean reaches(InetAddress address, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), 5000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Empty while nobody listens. */
    private static String answer(int port, String path, String host) throws IOException {
        return answer("127.0.0.1", port, path, host);
    }

    private static String answer(String address, int port, String path, String host) throws IOException {
        try (Socket socket = new Socket(address, port)) {
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (ConnectException e) {
            return "";
        }
    }
}
