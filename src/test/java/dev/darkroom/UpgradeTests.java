package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** This version beside an earlier one, which {@code .ci/predecessor} has built: on one database, and picture by picture. */
@Tag("upgrade")
class UpgradeTests {
    private static final Duration LONG = Duration.ofMinutes(20);
    private static final Path RESOURCES = Path.of("src", "test", "resources");
    private static final JsonMapper JSON = JsonMapper.shared();

    @Test
    void aFileOfTheEarlierVersionIsGoneOnWithAndCanBeGoneBackTo() throws Exception {
        Path data = ServerProcess.freshData("upgrade");
        List<String> jobs = new ArrayList<>();
        Map<String, String> pictures = new HashMap<>();
        try (ServerProcess old = ServerProcess.startPredecessor(data).awaitReady()) {
            jobs.addAll(posted(old, 16));
            remember(old, jobs.get(0), pictures);
            jobs.addAll(posted(old, 16));
            await().atMost(LONG)
                    .until(() -> old.job(jobs.get(3)).at("/progress/step").asInt(0) > 0);
            old.kill();
        }
        try (ServerProcess server = ServerProcess.startDarkroom(data).awaitReady()) {
            assertThat(listed(server)).containsAll(jobs);
            jobs.addAll(posted(server, 0));
            for (String id : jobs) {
                remember(server, id, pictures);
            }
            jobs.addAll(posted(server, 0));
            server.stop();
        }
        try (ServerProcess old = ServerProcess.startPredecessor(data).awaitReady()) {
            assertThat(listed(old)).containsAll(jobs);
            for (String id : jobs) {
                remember(old, id, pictures);
            }
            assertThat(old.events(jobs.get(jobs.size() - 1)))
                    .last()
                    .extracting(ServerProcess.Event::name)
                    .isEqualTo("succeeded");
        }
    }

    @Test
    void bothVersionsWorkOnOneDatabaseAtTheSameTime() throws Exception {
        try (TestPostgres postgres = TestPostgres.start()) {
            Path data = ServerProcess.freshData("upgrade-both");
            String[] settings = ServerProcess.on(
                    postgres.freshDatabase("versions"), postgres.user(), "--darkroom.images=" + data.resolve("images"));
            try (ServerProcess old = ServerProcess.startPredecessor(ServerProcess.freshData("upgrade-old"), settings)
                    .awaitReady()) {
                List<String> jobs = new ArrayList<>(posted(old, 16));
                try (ServerProcess server = ServerProcess.startDarkroom(
                                ServerProcess.freshData("upgrade-new"), settings)
                        .awaitReady()) {
                    Map<String, String> pictures = new HashMap<>();
                    for (int round = 0; round < 3; round++) {
                        jobs.addAll(posted(old, 16));
                        jobs.addAll(posted(server, 0));
                    }
                    String key = "sent to one and again to the other";
                    HttpResponse<String> first =
                            old.post("{\"prompt\":\"an apple\"}", "Idempotency-Key", key.replace(' ', '-'));
                    HttpResponse<String> again =
                            server.post("{\"prompt\":\"an apple\"}", "Idempotency-Key", key.replace(' ', '-'));
                    assertThat(again.statusCode()).as(again.body()).isEqualTo(202);
                    assertThat(ServerProcess.body(again).get("id"))
                            .isEqualTo(ServerProcess.body(first).get("id"));
                    for (ServerProcess each : List.of(old, server)) {
                        assertThat(listed(each)).containsAll(jobs);
                        for (String id : jobs) {
                            remember(each, id, pictures);
                        }
                    }
                    // Started afterwards, in the order of a rolling downgrade: its tables are there, and newer.
                    try (ServerProcess later = ServerProcess.startPredecessor(
                                    ServerProcess.freshData("upgrade-later"), settings)
                            .awaitReady()) {
                        assertThat(listed(later)).containsAll(jobs);
                    }
                }
            }
        }
    }

    /** 200 requests over all models at hand, samplers, sizes, formats and options. */
    @Test
    void everyPictureHasTheBytesThatTheEarlierVersionGaveIt() throws Exception {
        Path data = ServerProcess.freshData("same-bytes");
        Path models = data.resolve("models");
        FileSystemUtils.copyRecursively(RESOURCES.resolve("tiny-sd"), models.resolve("tiny-sd"));
        FileSystemUtils.copyRecursively(RESOURCES.resolve("families"), models);
        Map<String, byte[]> before;
        try (ServerProcess old = ServerProcess.startPredecessor(
                        ServerProcess.freshData("same-bytes-old"),
                        "--darkroom.models-dir=" + models,
                        "--darkroom.max-queued=1000")
                .awaitReady()) {
            before = drawn(old, requests(old));
        }
        Map<String, byte[]> after;
        try (ServerProcess server = ServerProcess.startDarkroom(
                        ServerProcess.freshData("same-bytes-new"),
                        "--darkroom.models-dir=" + models,
                        "--darkroom.max-queued=1000")
                .awaitReady()) {
            after = drawn(server, before.keySet());
        }
        List<String> different = before.keySet().stream()
                .filter(request -> !java.util.Arrays.equals(before.get(request), after.get(request)))
                .toList();
        System.out.println(before.size() + " requests, " + different.size() + " with other bytes");
        assertThat(before).hasSizeGreaterThanOrEqualTo(200);
        assertThat(different).isEmpty();
    }

    private static List<String> requests(ServerProcess server) throws IOException, InterruptedException {
        Random random = new Random(16);
        List<String> requests = new ArrayList<>();
        List<JsonNode> models = new ArrayList<>();
        ServerProcess.body(server.get("/v1/models")).get("models").forEach(models::add);
        List<String> prompts = List.of(
                "a red apple",
                "a (blue:1.3) car, [flat] style",
                "two cats BREAK a dog",
                "a castle at night, bright stars, ".repeat(12),
                "猫と林檎 🍎");
        while (requests.size() < 220) {
            JsonNode model = models.get(requests.size() % models.size());
            JsonNode sampler = pick(random, list(model.get("samplers")));
            int base = model.at("/defaults/width").intValue();
            int multiple = model.at("/limits/size_multiple").intValue();
            Map<String, Object> request = new LinkedHashMap<>();
            request.put("model", model.get("id").stringValue());
            request.put("prompt", pick(random, prompts));
            request.put("seed", random.nextInt(1000));
            request.put("sampler", sampler.get("id").stringValue());
            request.put("schedule", pick(random, list(sampler.get("schedules"))).stringValue());
            request.put(
                    "steps",
                    1 + random.nextInt(Math.min(8, sampler.get("max_steps").intValue())));
            request.put("width", base + multiple * (random.nextInt(3) - 1));
            request.put("height", base + multiple * (random.nextInt(3) - 1));
            request.put("guidance_scale", pick(random, List.of(1, 2.5, 7.5)));
            request.put("determinism", pick(random, List.of("exact", "fast")));
            request.put("output_format", pick(random, List.of("png", "jpeg", "webp")));
            request.put("n", 1 + random.nextInt(2));
            request.put("previews", random.nextInt(3));
            if (random.nextInt(3) == 0) {
                request.put("negative_prompt", "blurry, (low:1.2) quality");
            }
            if (random.nextInt(4) == 0 && !request.get("guidance_scale").equals(1)) {
                request.put("guidance_rescale", 0.7);
            }
            if (model.at("/limits/max_clip_skip").intValue() > 0 && random.nextInt(4) == 0) {
                request.put("clip_skip", 1);
            }
            String body = JSON.writeValueAsString(request);
            HttpResponse<String> answer = server.post(body);
            if (answer.statusCode() == 202) {
                requests.add(body);
            } else {
                assertThat(answer.statusCode()).as(body + " " + answer.body()).isEqualTo(400);
            }
        }
        return requests;
    }

    private static List<JsonNode> list(JsonNode array) {
        List<JsonNode> all = new ArrayList<>();
        array.forEach(all::add);
        return all;
    }

    private static <T> T pick(Random random, List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    /** Each request's pictures, one after the other; of a failed one its code. */
    private static Map<String, byte[]> drawn(ServerProcess server, Iterable<String> requests)
            throws IOException, InterruptedException {
        Map<String, String> ids = new LinkedHashMap<>();
        for (String request : requests) {
            ids.put(request, server.submit(request));
        }
        Map<String, byte[]> drawn = new LinkedHashMap<>();
        for (Map.Entry<String, String> job : ids.entrySet()) {
            await().atMost(LONG).until(() -> isOver(server, job.getValue()));
            JsonNode ended = server.job(job.getValue());
            java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
            bytes.writeBytes(
                    ended.path("error").path("code").asString("").getBytes(java.nio.charset.StandardCharsets.UTF_8));
            for (int i = 0; i < ended.get("images").size(); i++) {
                bytes.writeBytes(server.bytes("/v1/jobs/" + job.getValue() + "/images/" + i));
            }
            drawn.put(job.getKey(), bytes.toByteArray());
        }
        return drawn;
    }

    /** Three jobs, with options that both versions know. */
    private static List<String> posted(ServerProcess server, int times503) throws IOException, InterruptedException {
        return List.of(
                accepted(server, times503, "{\"prompt\":\"a red apple\",\"seed\":1,\"steps\":4}"),
                accepted(
                        server,
                        times503,
                        "{\"prompt\":\"a (blue:1.2) car\",\"seed\":2,\"steps\":4,\"n\":2,\"sampler\":\"heun\","
                                + "\"schedule\":\"karras\",\"output_format\":\"webp\",\"previews\":2,\"priority\":\"low\"}"),
                accepted(
                        server,
                        times503,
                        "{\"prompt\":\"a dog\",\"seed\":3,\"steps\":20,\"guidance_scale\":1,\"expires_in\":3600,"
                                + "\"determinism\":\"fast\"}"));
    }

    /** The old version answers 503 once for each connection after a new one has added columns, which the new one does not do. */
    private static String accepted(ServerProcess server, int times503, String json)
            throws IOException, InterruptedException {
        String key = "upgrade-" + UUID.randomUUID();
        HttpResponse<String> answer = server.post(json, "Idempotency-Key", key);
        for (int i = 0; i < times503 && answer.statusCode() == 503; i++) {
            answer = server.post(json, "Idempotency-Key", key);
        }
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return ServerProcess.body(answer).get("id").stringValue();
    }

    /** All of its pictures are there, and each is what it was before. */
    private static void remember(ServerProcess server, String id, Map<String, String> pictures)
            throws IOException, InterruptedException {
        await().atMost(LONG).until(() -> isOver(server, id));
        JsonNode job = server.job(id);
        assertThat(job.get("state").stringValue()).as(job.toString()).isEqualTo("succeeded");
        int n = job.at("/parameters/n").intValue();
        assertThat(job.get("images")).hasSize(n);
        for (int i = 0; i < n; i++) {
            String bytes =
                    java.util.Base64.getEncoder().encodeToString(server.bytes("/v1/jobs/" + id + "/images/" + i));
            assertThat(pictures.computeIfAbsent(id + i, key -> bytes)).isEqualTo(bytes);
        }
    }

    private static boolean isOver(ServerProcess server, String id) throws IOException, InterruptedException {
        return server.job(id).get("state").stringValue().matches("succeeded|failed|canceled");
    }

    private static List<String> listed(ServerProcess server) throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        String cursor = "";
        do {
            HttpResponse<String> answer = server.get("/v1/jobs?limit=100" + cursor);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            JsonNode page = ServerProcess.body(answer);
            page.get("jobs").forEach(job -> ids.add(job.get("id").stringValue()));
            cursor = page.hasNonNull("next_cursor")
                    ? "&cursor=" + page.get("next_cursor").stringValue()
                    : "";
        } while (!cursor.isEmpty());
        return ids;
    }
}
