package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.blobs.S3Server;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * What Darkroom writes to is away for a while: the store of pictures, the database, or room on the disk. No worker dies, so no
 * job may be lost or be begun again.
 */
class OutageTests {
    private static final Duration LONG = Duration.ofMinutes(3);

    /** Longer than a queue entry lives without heartbeats of half a second. */
    private static final Duration A_WHILE = Duration.ofSeconds(6);

    private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);

    /** Takes something away and brings it back. */
    private interface Outage {
        void begin() throws Exception;

        void end() throws Exception;
    }

    @Test
    void aFolderOfPicturesThatIsAwayCostsNobodyAJob() throws Exception {
        folder(A_WHILE, "500ms");
    }

    @Test
    void aFullDiskCostsNobodyAJobAndTheEmbeddedDatabaseOpensAgain() throws Exception {
        fullDisk(Duration.ofSeconds(5));
    }

    @Test
    @Tag("endurance")
    void aFolderOfPicturesThatIsAwayForFiveMinutesCostsNobodyAJob() throws Exception {
        folder(FIVE_MINUTES, "5s");
    }

    @Test
    @Tag("endurance")
    void aDiskThatIsFullForFiveMinutesCostsNobodyAJob() throws Exception {
        fullDisk(FIVE_MINUTES);
    }

    @Test
    @Tag("endurance")
    void aBucketThatIsAwayForFiveMinutesCostsNobodyAJob() throws Exception {
        Path data = ServerProcess.freshData("outage-s3");
        try (S3Server bucket = new S3Server(data, "pictures");
                ServerProcess server = ServerProcess.start(
                                data,
                                "--stub.step-time=20ms",
                                "--darkroom.images=s3://pictures/all",
                                "--darkroom.s3.endpoint=" + bucket.endpoint())
                        .awaitReady()) {
            List<String> jobs = survives(
                    server,
                    FIVE_MINUTES,
                    new Outage() {
                        @Override
                        public void begin() {
                            bucket.kill();
                        }

                        @Override
                        public void end() throws IOException {
                            bucket.restart();
                        }
                    },
                    true);
            server.stop();
            assertNoDeaths("jdbc:h2:file:" + data.resolve("db/darkroom"), "sa", jobs);
        }
    }

    @Test
    @Tag("endurance")
    void aDatabaseServerThatIsAwayForFiveMinutesCostsNobodyAJob() throws Exception {
        try (TestPostgres postgres = TestPostgres.start()) {
            String url = postgres.freshDatabase("outage");
            Path pictures = ServerProcess.freshData("outage-pictures");
            String[] settings = ServerProcess.on(
                    url, postgres.user(), "--stub.step-time=20ms", "--darkroom.images=" + pictures.resolve("images"));
            // Two processes: none may take the other for dead when the database is back.
            try (ServerProcess server = ServerProcess.start(ServerProcess.freshData("outage-1"), settings);
                    ServerProcess other = ServerProcess.start(ServerProcess.freshData("outage-2"), settings)) {
                server.awaitReady();
                other.awaitReady();
                List<String> jobs = survives(
                        server,
                        FIVE_MINUTES,
                        new Outage() {
                            @Override
                            public void begin() throws IOException, InterruptedException {
                                postgres.kill();
                            }

                            @Override
                            public void end() throws IOException {
                                postgres.restart();
                            }
                        },
                        false);
                assertNoDeaths(url, postgres.user(), jobs);
            }
        }
    }

    private static void folder(Duration time, String heartbeat) throws Exception {
        Path data = ServerProcess.freshData("outage");
        Path images = data.resolve("images");
        Path elsewhere = data.resolve("elsewhere");
        try (ServerProcess server = ServerProcess.within(
                        data, "--stub.step-time=20ms", "--darkroom.heartbeat=" + heartbeat)
                .awaitReady()) {
            List<String> jobs = survives(
                    server,
                    time,
                    new Outage() {
                        @Override
                        public void begin() throws IOException {
                            Files.move(images, elsewhere);
                            Files.createFile(images); // so that not even root can write there
                        }

                        @Override
                        public void end() throws IOException {
                            Files.delete(images);
                            Files.move(elsewhere, images);
                        }
                    },
                    true);
            server.stop();
            assertNoDeaths("jdbc:h2:file:" + data.resolve("db/darkroom"), "sa", jobs);
        }
    }

    /** No file may grow, as the kernel sees to for the process: what it writes fails as on a full disk. */
    private static void fullDisk(Duration time) throws Exception {
        Path data = ServerProcess.freshData("outage-disk");
        try (ServerProcess server =
                ServerProcess.start(data, "--stub.step-time=20ms").awaitReady()) {
            List<String> jobs = survives(
                    server,
                    time,
                    new Outage() {
                        @Override
                        public void begin() throws IOException, InterruptedException {
                            limit(server, "1:");
                        }

                        @Override
                        public void end() throws IOException, InterruptedException {
                            limit(server, "unlimited:");
                        }
                    },
                    false);
            server.stop();
            assertNoDeaths("jdbc:h2:file:" + data.resolve("db/darkroom"), "sa", jobs);
        }
    }

    private static void limit(ServerProcess server, String bytes) throws IOException, InterruptedException {
        int status = new ProcessBuilder("prlimit", "--pid", Long.toString(server.pid()), "--fsize=" + bytes)
                .inheritIO()
                .start()
                .waitFor();
        assertThat(status).isZero();
    }

    /**
     * Posts jobs before, during and after, and waits for all that were accepted.
     *
     * @param storeOnly whether posts are accepted meanwhile
     * @return the accepted jobs
     */
    private static List<String> survives(ServerProcess server, Duration time, Outage outage, boolean storeOnly)
            throws Exception {
        List<String> accepted = new ArrayList<>();
        accepted.add(server.submit("{\"prompt\":\"drawn before\",\"steps\":1}"));
        await().atMost(LONG).until(() -> isOver(server, accepted.get(0)));
        for (int i = 0; i < 4; i++) {
            accepted.add(server.submit("{\"prompt\":\"begun\",\"steps\":60,\"n\":2,\"seed\":" + i + "}"));
        }
        await().atMost(LONG)
                .until(() -> server.job(accepted.get(1)).at("/progress/step").asInt(0) > 0);
        outage.begin();
        long end = System.nanoTime() + time.toNanos();
        boolean seen = false;
        for (int i = 0; System.nanoTime() < end; i++) {
            HttpResponse<String> answer =
                    server.post("{\"prompt\":\"posted meanwhile\",\"steps\":2,\"seed\":" + i + "}");
            if (answer.statusCode() == 202) {
                accepted.add(ServerProcess.body(answer).get("id").stringValue());
            } else {
                assertThat(storeOnly).as(answer.body()).isFalse();
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
            }
            if (storeOnly && !seen) {
                seen = health(server).contains("\"DOWN\"") && available(server).equals("0.0");
            }
            TimeUnit.MILLISECONDS.sleep(
                    Math.max(1, Math.min(i < 5 ? 1000 : 10_000, (end - System.nanoTime()) / 1_000_000)));
        }
        if (storeOnly) {
            assertThat(seen).as("health and metrics tell").isTrue();
            assertThat(server.management("/actuator/health/readiness").statusCode())
                    .isEqualTo(200);
        }
        outage.end();
        await().atMost(LONG)
                .ignoreExceptions()
                .until(() -> server.post("{\"prompt\":\"after\",\"steps\":1}").statusCode() == 202);
        for (String id : accepted) {
            await().atMost(LONG).until(() -> isOver(server, id));
            JsonNode job = server.job(id);
            assertThat(job.get("state").stringValue()).as(job.toString()).isEqualTo("succeeded");
            assertThat(server.get("/v1/jobs/" + id + "/images/0").statusCode()).isEqualTo(200);
        }
        if (storeOnly) {
            assertThat(available(server)).isEqualTo("1.0");
        }
        System.out.println(accepted.size() + " jobs over an outage of " + time);
        return accepted;
    }

    private static boolean isOver(ServerProcess server, String id) throws IOException, InterruptedException {
        return server.job(id).get("state").stringValue().matches("succeeded|failed|canceled");
    }

    private static String health(ServerProcess server) throws IOException, InterruptedException {
        return server.management("/actuator/health").body();
    }

    private static String available(ServerProcess server) throws IOException, InterruptedException {
        return server.management("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith("darkroom_store_available"))
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .findFirst()
                .orElse("");
    }

    /** No start is counted, and none was made twice. */
    private static void assertNoDeaths(String url, String user, List<String> jobs) throws SQLException {
        try (var database = DriverManager.getConnection(url, user, "");
                var found = database.createStatement()
                        .executeQuery(
                                "select id, deaths, (select count(*) from job_event where job_id = id and type = 'started')"
                                        + " from job")) {
            int rows = 0;
            while (found.next()) {
                rows++;
                assertThat(found.getInt(2))
                        .as("deaths of " + found.getString(1))
                        .isZero();
                assertThat(found.getInt(3))
                        .as("starts of " + found.getString(1))
                        .isEqualTo(1);
            }
            assertThat(rows).isGreaterThanOrEqualTo(jobs.size());
        }
    }
}
