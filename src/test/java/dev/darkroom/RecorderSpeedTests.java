package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** How many steps of pictures a device can have recorded in a second, with a network that costs nothing. */
@Tag("endurance")
class RecorderSpeedTests {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final int JOBS = 24;
    private static final int STEPS = 50;
    private static final int PICTURES = 8;

    @Test
    void onTheEmbeddedDatabase() throws Exception {
        Path data = ServerProcess.freshData("recorder");
        try (ServerProcess server =
                ServerProcess.start(data, "--stub.step-time=0ms").awaitReady()) {
            measure("H2", server);
        }
    }

    @Test
    void onPostgres() throws Exception {
        try (TestPostgres postgres = TestPostgres.start();
                ServerProcess server = ServerProcess.start(
                                ServerProcess.freshData("recorder"),
                                ServerProcess.on(
                                        postgres.freshDatabase("recorder"), postgres.user(), "--stub.step-time=0ms"))
                        .awaitReady()) {
            measure("PostgreSQL", server);
        }
    }

    private static void measure(String database, ServerProcess server) throws Exception {
        List<Double> rates = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < JOBS; i++) {
                ids.add(server.submit("{\"prompt\":\"an apple\",\"steps\":" + STEPS + ",\"n\":" + PICTURES
                        + ",\"seed\":" + 100 * i + "}"));
            }
            Instant start = Instant.MAX;
            Instant end = Instant.MIN;
            for (String id : ids) {
                await().atMost(LONG)
                        .until(() -> server.job(id).get("state").stringValue().equals("succeeded"));
                JsonNode job = server.job(id);
                Instant started = Instant.parse(job.get("started_at").stringValue());
                Instant finished = Instant.parse(job.get("finished_at").stringValue());
                start = started.isBefore(start) ? started : start;
                end = finished.isAfter(end) ? finished : end;
            }
            rates.add(JOBS
                    * STEPS
                    * PICTURES
                    * 1000.0
                    / Duration.between(start, end).toMillis());
        }
        rates.sort(null);
        System.out.printf(
                "%s: image-steps recorded a second, 3 rounds: %.0f, %.0f, %.0f%n",
                database, rates.get(0), rates.get(1), rates.get(2));
        assertThat(rates.get(1)).isGreaterThan(500);
    }
}
