package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Eight clients at a time against one, each of which posts its next request when it has the last one's answer. */
@Tag("endurance")
class ThroughputTests {

    private static final int CLIENTS = 8;

    private record Load(double perSecond, Duration p50, Duration p95, int fewest, int most) {}

    @Test
    void aDeviceWhoseStepsCostTheSameForEightRowsGivesEightClientsSevenTimesAsMuch() throws Exception {
        try (ServerProcess server = ServerProcess.start(ServerProcess.freshData("throughput"), "--stub.step-time=50ms")
                .awaitReady()) {
            assertThat(compare(server, "{\"prompt\":\"an apple\",\"steps\":20}", 64))
                    .isGreaterThanOrEqualTo(7);
        }
    }

    @Test
    void theShippedModelOnTheProcessorLosesNothingWithEightClients() throws Exception {
        try (ServerProcess server = ServerProcess.startDarkroom(ServerProcess.freshData("throughput"))
                .awaitReady()) {
            assertThat(compare(server, "{\"prompt\":\"a red apple\"}", 64)).isGreaterThanOrEqualTo(1.0);
        }
    }

    /** @return how many times as many requests a second {@value #CLIENTS} clients got answered as one; the middle of three turns */
    private static double compare(ServerProcess server, String request, int requests) throws Exception {
        load(server, request, CLIENTS, CLIENTS); // warm-up
        List<Double> ratios = new ArrayList<>();
        for (int turn = 0; turn < 3; turn++) {
            Load alone = load(server, request, 1, requests / 4);
            Load together = load(server, request, CLIENTS, requests);
            ratios.add(together.perSecond / alone.perSecond);
            System.out.printf(
                    Locale.ROOT,
                    "1 client: %.2f/s, p50 %d ms, p95 %d ms; %d clients: %.2f/s, p50 %d ms, p95 %d ms, %d to %d requests a"
                            + " client; ratio %.2f%n",
                    alone.perSecond,
                    alone.p50.toMillis(),
                    alone.p95.toMillis(),
                    CLIENTS,
                    together.perSecond,
                    together.p50.toMillis(),
                    together.p95.toMillis(),
                    together.fewest,
                    together.most,
                    together.perSecond / alone.perSecond);
        }
        ratios.sort(null);
        return ratios.get(1);
    }

    private static Load load(ServerProcess server, String request, int clients, int requests) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(clients);
        AtomicInteger left = new AtomicInteger(requests);
        List<Callable<List<Duration>>> each = IntStream.range(0, clients)
                .<Callable<List<Duration>>>mapToObj(client -> () -> {
                    List<Duration> waits = new ArrayList<>();
                    while (left.getAndDecrement() > 0) {
                        long sent = System.nanoTime();
                        assertThat(server.post(request, "Prefer", "wait=60").statusCode())
                                .isEqualTo(200);
                        waits.add(Duration.ofNanos(System.nanoTime() - sent));
                    }
                    return waits;
                })
                .toList();
        long start = System.nanoTime();
        List<Duration> waits = new ArrayList<>();
        List<Integer> shares = new ArrayList<>();
        for (Future<List<Duration>> client : pool.invokeAll(each)) {
            waits.addAll(client.get());
            shares.add(client.get().size());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        pool.shutdown();
        waits.sort(null);
        shares.sort(null);
        return new Load(
                requests / seconds,
                waits.get(waits.size() / 2),
                waits.get(waits.size() * 95 / 100),
                shares.get(0),
                shares.get(shares.size() - 1));
    }
}
