package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Ten times as many posts as can be drawn. */
class OverloadTests {

    /** 10 steps of 100 ms in a batch of 8. */
    private static final double CAPACITY = 8;

    private static final String BODY = "{\"prompt\":\"an apple\",\"steps\":10}";
    private static final String[] SETTINGS = {
        "--stub.step-time=100ms",
        "--darkroom.max-queued=24",
        "--darkroom.max-requests-per-caller=2000" // the queue is to refuse, not the turnstile
    };

    @Test
    void refusesWhatIsTooMuch() throws Exception {
        try (ServerProcess server = ServerProcess.within(ServerProcess.freshData("overload"), SETTINGS)
                .awaitReady()) {
            LoadDriver tooMany = new LoadDriver(server.uri("/"), BODY);
            tooMany.post(10 * CAPACITY, Duration.ofSeconds(5));
            List<LoadDriver.Answer> refused = tooMany.answers(429);
            assertThat(tooMany.statuses()).containsOnlyKeys(202, 429);
            assertThat(refused).isNotEmpty();
            assertThat(refused)
                    .allSatisfy(answer ->
                            assertThat(Integer.parseInt(answer.retryAfter())).isBetween(1, 10));
            assertThat(tooMany.check()).isEmpty();
        }
    }

    @Test
    @Tag("endurance")
    void refusesWhatIsTooMuchForAMinute() throws Exception {
        Duration time = Duration.ofSeconds(60);
        try (ServerProcess server = ServerProcess.start(ServerProcess.freshData("overload"), SETTINGS)
                .awaitReady()) {
            new LoadDriver(server.uri("/"), BODY).post(CAPACITY, Duration.ofSeconds(5)); // warm-up
            // As many as can be drawn, and a few that wait so that the device is never idle.
            LoadDriver fitting = new LoadDriver(server.uri("/"), BODY);
            double unloaded = endedPerSecond(server, fitting, 1.2 * CAPACITY, time);
            long heap = server.liveBytes();
            LoadDriver tooMany = new LoadDriver(server.uri("/"), BODY);
            double loaded = endedPerSecond(server, tooMany, 10 * CAPACITY, time);
            List<String> wrong = tooMany.check();
            long heapAfter = server.liveBytes();

            List<LoadDriver.Answer> refused = tooMany.answers(429);
            Duration p99 = LoadDriver.quantile(refused, 0.99);
            System.out.printf(
                    Locale.ROOT,
                    "unloaded %.2f jobs/s; ten-fold %.2f jobs/s; %s; heap %.1f MB, then %.1f MB%n",
                    unloaded,
                    loaded,
                    tooMany.report(),
                    heap / 1e6,
                    heapAfter / 1e6);
            assertThat(tooMany.statuses()).containsOnlyKeys(202, 429);
            assertThat(refused).hasSizeGreaterThan(tooMany.answers(202).size());
            assertThat(refused)
                    .allSatisfy(answer ->
                            assertThat(Integer.parseInt(answer.retryAfter())).isBetween(1, 10));
            assertThat(p99).isLessThanOrEqualTo(Duration.ofMillis(50));
            assertThat(loaded).isGreaterThanOrEqualTo(0.95 * unloaded);
            assertThat(wrong).isEmpty();
            assertThat(heapAfter).isLessThan(heap + 5_000_000);
        }
    }

    /** Posts for a while, with the device full from the start on, and counts what ends in that time. */
    private static double endedPerSecond(ServerProcess server, LoadDriver driver, double rate, Duration time)
            throws Exception {
        LoadDriver before = new LoadDriver(server.uri("/"), BODY).post(2 * CAPACITY, Duration.ofSeconds(2));
        Instant start = Instant.now();
        driver.post(rate, time);
        Instant end = start.plus(time);
        List<String> ids = new ArrayList<>(before.accepted());
        ids.addAll(driver.accepted());
        int ended = 0;
        for (String id : ids) {
            JsonNode job = ServerProcess.body(server.get("/v1/jobs/" + id + "?wait_ms=60000"));
            Instant at = Instant.parse(job.get("finished_at").stringValue());
            ended += at.isAfter(start) && at.isBefore(end) ? 1 : 0;
        }
        return ended / (time.toMillis() / 1e3);
    }
}
