package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
    private static final int ROUNDS = 3;
    private static final int JOBS = 200;
    private static final Duration LONG = Duration.ofMinutes(10);

    @Test
    void aFinishedJobTakesLittleRoom() throws Exception {
        Path data = ServerProcess.freshData("size");
        Path file = data.resolve("db/darkroom.mv.db");
        long empty;
        List<Long> running = new ArrayList<>();
        try (ServerProcess server = ServerProcess.start(data, "--stub.step-time=5ms", "--darkroom.max-rows=1")
                .awaitReady()) {
            empty = Files.size(file);
            for (int round = 0; round < ROUNDS; round++) {
                String last = draw(server);
                System.out.printf("right after %d jobs: %d KB%n", JOBS * (round + 1), Files.size(file) / 1024);
                // Housekeeping comes by every minute; the steps of a job are forgotten one to two minutes after its
                // end.
                await().atMost(Duration.ofMinutes(4))
                        .pollInterval(Duration.ofSeconds(5))
                        .until(() -> server.events(last).size() < 10);
                running.add(Files.size(file));
            }
            server.stop();
        }
        int jobs = JOBS * ROUNDS;
        System.out.printf(
                "%d jobs of 20 steps: the file had %s KB after each %d, %.1f KB a job after the end%n",
                jobs,
                running.stream().map(bytes -> bytes / 1024).toList(),
                JOBS,
                (Files.size(file) - empty) / 1024.0 / jobs);
        assertThat(Files.size(file)).isLessThan(empty + jobs * 20_000L);
        // What was written within H2's retention time is there in any case; beyond that the file must not follow the
        // jobs.
        assertThat(running.get(ROUNDS - 1) - running.get(0))
                .as("room that is free is used again")
                .isLessThan(running.get(0) / 5);
    }

    /** @return the last job's id */
    private static String draw(ServerProcess server) throws Exception {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            ids.add(server.submit(
                    "{\"prompt\":\"an apple on a table, number " + i + "\",\"steps\":20,\"previews\":2}"));
        }
        for (String id : ids) {
            await().atMost(LONG)
                    .until(() -> server.job(id).get("state").stringValue().equals("succeeded"));
        }
        return ids.get(JOBS - 1);
    }
}
