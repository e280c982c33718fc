package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How large the embedded database's file is after many jobs of 20 steps: while the server goes on, and after its end. */
@Tag("endurance")
class DatabaseSizeTests {
    private static final int JOBS = 200;
    private static final Duration LONG = Duration.ofMinutes(10);

    @Test
    void aFinishedJobTakesLittleRoom() throws Exception {
        Path data = ServerProcess.freshData("size");
        Path file = data.resolve("db/darkroom.mv.db");
        long empty;
        long running;
        try (ServerProcess server = ServerProcess.start(data, "--stub.step-time=5ms", "--darkroom.max-rows=1")
                .awaitReady()) {
            empty = Files.size(file);
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < JOBS; i++) {
                ids.add(server.submit(
                        "{\"prompt\":\"an apple on a table, number " + i + "\",\"steps\":20,\"previews\":2}"));
            }
            for (String id : ids) {
                await().atMost(LONG)
                        .until(() -> server.job(id).get("state").stringValue().equals("succeeded"));
            }
            long busy = Files.size(file);
            // Housekeeping comes by every minute; the steps of a job are forgotten one to two minutes after its end.
            await().atMost(Duration.ofMinutes(4))
                    .pollInterval(Duration.ofSeconds(5))
                    .until(() -> size(file) <= empty + JOBS * 20_000L
                            && server.events(ids.get(JOBS - 1)).size() < 10);
            running = Files.size(file);
            System.out.printf("%d jobs: %d KB right after the last one%n", JOBS, (busy - empty) / 1024);
            server.stop();
        }
        System.out.printf(
                "%d jobs of 20 steps: the file has grown by %.1f KB a job two minutes later, %.1f KB after the end%n",
                JOBS, (running - empty) / 1024.0 / JOBS, (Files.size(file) - empty) / 1024.0 / JOBS);
        assertThat(Files.size(file)).isLessThan(empty + JOBS * 20_000L);
    }

    private static long size(Path file) throws IOException {
        return Files.size(file);
    }
}
