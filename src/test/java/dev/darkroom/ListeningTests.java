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
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Who reaches a server, by what it knows of callers; and keys made beside a running one. */
class ListeningTests {

    @Test
    void withoutKeysOnlyThisMachineIsServed() throws Exception {
        Path data = ServerProcess.freshData("loopback");
        try (ServerProcess server = ServerProcess.start(data).awaitReady()) {
            assertThat(server.get("/v1/models").statusCode()).isEqualTo(200);
            assertThat(reaches(InetAddress.getLoopbackAddress(), server.port())).isTrue();
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
        try (ServerProcess server = ServerProcess.start(
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
        try (ServerProcess server = ServerProcess.start(data, "--server.address=0.0.0.0", "--darkroom.anonymous=true")
                .awaitReady()) {
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

    private record Result(int status, String output) {}

    private static Result keys(Path data, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Darkroom.class.getName(),
                "keys"));
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
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (ConnectException e) {
            return "";
        }
    }
}
