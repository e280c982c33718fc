package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.StubServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalManagementPort;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.json.JsonMapper;

/** A thousand clients follow one job. */
@Tag("endurance")
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = "stub.step-time=1s")
class ManyStreamsTests {

    private static final int STREAMS = 1000;
    private static final int STEPS = 60;

    private final HttpClient client = HttpClient.newHttpClient();

    @LocalServerPort
    private int port;

    @LocalManagementPort
    private int managementPort;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) throws Exception {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "streams");
        registry.add("darkroom.data-dir", () -> data.toString());
    }

    private double usesOfConnections() throws Exception {
        URI metrics = URI.create("http://localhost:" + managementPort + "/actuator/prometheus");
        return client.send(HttpRequest.newBuilder(metrics).build(), HttpResponse.BodyHandlers.ofString())
                .body()
                .lines()
                .filter(line -> line.startsWith("hikaricp_connections_usage_seconds_count"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path));
    }

    @Test
    void theLastOfAThousandStreamsHearsOfAStepSoonAfterTheFirst() throws Exception {
        HttpRequest post = request("/v1/images")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\",\"steps\":" + STEPS + "}"))
                .build();
        await().atMost(Duration.ofSeconds(60))
                .until(() ->
                        client.send(post, HttpResponse.BodyHandlers.ofString()).statusCode() == 202);
        String job = JsonMapper.shared()
                .readTree(
                        client.send(post, HttpResponse.BodyHandlers.ofString()).body())
                .get("id")
                .stringValue();
        Map<String, List<Long>> heard = new ConcurrentHashMap<>();
        AtomicInteger open = new AtomicInteger();
        Semaphore opening = new Semaphore(50);
        for (int i = 0; i < STREAMS; i++) {
            opening.acquire();
            client.sendAsync(
                            request("/v1/jobs/" + job + "/events")
                                    .header("Last-Event-ID", "0")
                                    .build(),
                            HttpResponse.BodyHandlers.ofLines())
                    .thenAcceptAsync(
                            answer -> {
                                open.incrementAndGet();
                                opening.release();
                                answer.body()
                                        .filter(line -> line.startsWith("id:"))
                                        .forEach(line -> heard.computeIfAbsent(line, id -> new CopyOnWriteArrayList<>())
                                                .add(System.nanoTime()));
                            },
                            reading -> new Thread(reading).start());
        }
        await().atMost(Duration.ofMinutes(1)).until(() -> open.get() == STREAMS);
        long allOpen = System.nanoTime();
        await().atMost(Duration.ofMinutes(3))
                .until(() -> heard.values().stream()
                                .filter(times -> times.size() == STREAMS)
                                .count()
                        >= STEPS);
        long[] lags = heard.values().stream()
                .map(times -> times.stream().mapToLong(Long::longValue).sorted().toArray())
                .filter(times -> times[0] > allOpen)
                .mapToLong(times -> (times[STREAMS * 99 / 100] - times[0]) / 1_000_000)
                .sorted()
                .toArray();
        long middle = lags[lags.length / 2];
        double uses = usesOfConnections();
        System.out.println("uses of connections: " + uses);
        System.out.println("lag of the 99th of 100 streams behind the first, ms: median " + middle + " of "
                + Arrays.toString(lags));
        assertThat(lags).hasSizeGreaterThan(10);
        assertThat(middle).isLessThan(500);
        assertThat(uses).isLessThan(STREAMS * STEPS / 4.0); // it was one for each stream and step
    }
}
