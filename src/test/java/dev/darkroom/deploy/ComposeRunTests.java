package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.ServerProcess;
import dev.darkroom.Service;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code docker-compose.yml} as it is, all its services together as containers: an API that does not draw and two workers, which are
 * killed, rolled and stopped while jobs are drawn. {@code .ci/run chart}.
 */
@Tag("containers")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ComposeRunTests {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final String PROMETHEUS = "http://127.0.0.1:9090/api/v1/";
    private static final List<String> SERVICES =
            List.of("darkroom", "worker", "postgres", "s3", "prometheus", "grafana");

    private static final Service service = new Service(8080);
    private static Compose compose;

    @BeforeAll
    static void start() throws IOException {
        compose = new Compose(Map.of("DARKROOM_ROLE", "api"));
        compose.run("down", "--volumes", "--remove-orphans", "--timeout", "0");
        compose.run("up", "--no-build", "--detach", "--scale", "worker=2");
    }

    @AfterAll
    static void end() {
        compose.tried("down", "--volumes", "--remove-orphans", "--timeout", "0");
        compose.close();
    }

    @Test
    @Order(1)
    void everyServiceRunsAndIsHealthy() {
        waiting()
                .untilAsserted(() -> assertThat(states())
                        .hasSize(7)
                        .allSatisfy(state -> assertThat(state).matches("\\S+ running (healthy|unchecked)"))
                        .filteredOn(state -> state.endsWith(" healthy"))
                        .hasSize(5));
        assertThat(compose.containers("worker")).hasSize(2);
        waiting().until(service::isReady);
    }

    @Test
    @Order(2)
    void aPictureIsDrawnByAWorkerAndLiesInTheBucketAndItsJobInPostgres() throws Exception {
        HttpResponse<byte[]> answer = CLIENT.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:8080/v1/images"))
                        .header("Content-Type", "application/json")
                        .header("Accept", "image/png")
                        .header("Prefer", "wait=60")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a red apple\",\"seed\":7}"))
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode())
                .as(() -> new String(answer.body(), StandardCharsets.UTF_8))
                .isEqualTo(200);
        assertThat(answer.body()).startsWith(0x89, 'P', 'N', 'G');
        Path picture = Files.write(ServerProcess.freshData("compose").resolve("apple.png"), answer.body());
        assertThat(javax.imageio.ImageIO.read(picture.toFile()).getWidth()).isEqualTo(128);

        JsonNode job = service.get("/v1/jobs?limit=1").at("/jobs/0");
        assertThat(sql("select state from job where id = '" + job.path("id").asString() + "'"))
                .isEqualTo("succeeded");
        assertThat(bucket())
                .anySatisfy(name ->
                        assertThat(name).contains(job.at("/images/0/sha256").asString()));
    }

    @Test
    @Order(3)
    void prometheusAsksEachProcessAndHasTheRules() {
        waiting()
                .untilAsserted(() -> assertThat(query("up")).hasSize(3).allSatisfy(series -> {
                    assertThat(series.at("/metric/instance").asString()).endsWith(":8081");
                    assertThat(series.at("/value/1").asString()).isEqualTo("1");
                }));
        waiting().untilAsserted(() -> assertThat(query("darkroom_build")).hasSize(3));
        List<String> rules = texts(get(PROMETHEUS + "rules").at("/data/groups"), "/name");
        JsonNode alerts = Yaml.read(Path.of("helm", "darkroom", "files", "alerts.yml"));
        assertThat(rules).isNotEmpty().isEqualTo(texts(alerts.path("groups"), "/name"));
        assertThat(texts(get(PROMETHEUS + "rules").at("/data/groups/0/rules"), "/name"))
                .isEqualTo(texts(alerts.at("/groups/0/rules"), "/alert"));
    }

    @Test
    @Order(4)
    void grafanasUserReadsItsFiles() throws Exception {
        for (String file : new String[] {
            "provisioning/datasources/prometheus.yml",
            "provisioning/dashboards/darkroom.yml",
            "dashboards/darkroom.json"
        }) {
            assertThat(CLIENT.send(
                                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:3000/" + file))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .statusCode())
                    .as(file)
                    .isEqualTo(200);
        }
    }

    @Test
    @Order(5)
    void bothWorkersDraw() {
        List<String> jobs = post(12, 5);
        jobs.forEach(ComposeRunTests::succeeds);
        waiting()
                .untilAsserted(() -> assertThat(query("sum by (instance) (darkroom_steps_total) > 0"))
                        .hasSize(2));
    }

    @Test
    @Order(6)
    void theJobsOfAKilledWorkerSucceedOnTheOther() {
        List<String> jobs = new ArrayList<>();
        waiting().until(() -> {
            jobs.addAll(post(2, 150)); // seconds of work, so that the kill finds it begun
            return drawing() == 2;
        });
        String worker = compose.containers("worker").get(0);
        Shell.succeed(Machine.podman("kill", "--signal", "KILL", worker));
        jobs.forEach(ComposeRunTests::succeeds);
        assertThat(sql("select count(*) from job where deaths > 0")).isNotEqualTo("0");
        assertThat(compose.inspect(worker).at("/State/Running").asBoolean()).isFalse();
        compose.run("up", "--no-build", "--detach", "--scale", "worker=2");
        everyServiceRunsAndIsHealthy();
    }

    @Test
    @Order(7)
    void noJobIsLostWhenPostgresIsKilledAndStartsAgain() {
        List<String> jobs = post(6, 10);
        compose.run("kill", "--signal", "KILL", "postgres");
        compose.run("up", "--no-build", "--detach", "postgres");
        jobs.forEach(ComposeRunTests::succeeds);
    }

    @Test
    @Order(8)
    void noAcceptedJobIsLostWhenTheApiIsMadeAnew() {
        List<String> jobs = new ArrayList<>(post(6, 10));
        String before = compose.inspect(compose.containers("darkroom").get(0))
                .path("Id")
                .asString();
        compose.run("up", "--no-build", "--detach", "--no-deps", "--force-recreate", "darkroom");
        waiting().until(service::isReady);
        assertThat(compose.inspect(compose.containers("darkroom").get(0))
                        .path("Id")
                        .asString())
                .isNotEqualTo(before);
        jobs.addAll(post(2, 4));
        jobs.forEach(ComposeRunTests::succeeds);
    }

    @Test
    @Order(9)
    void aStopEndsEveryProcessInOrderWhileJobsAreDrawn() {
        post(4, 100);
        compose.run("stop");
        Stream.of("darkroom", "worker")
                .flatMap(name -> compose.containers(name).stream())
                .forEach(name -> assertThat(
                                compose.inspect(name).at("/State/ExitCode").asInt())
                        .as(name)
                        .isEqualTo(143));
    }

    @Test
    @Order(10)
    void downLeavesNothing() {
        List<String> volumes = SERVICES.stream()
                .flatMap(name -> compose.containers(name).stream())
                .flatMap(name -> texts(compose.inspect(name).path("Mounts"), "/Name").stream())
                .filter(name -> !name.isEmpty())
                .toList();
        assertThat(volumes).isNotEmpty();
        compose.run("down", "--volumes");
        assertThat(compose.left()).isEmpty();
        assertThat(volumes)
                .allSatisfy(name -> assertThat(Shell.run(Machine.podman("volume", "exists", name))
                                .status())
                        .isEqualTo(1));
    }

    private static ConditionFactory waiting() {
        return await().atMost(LONG)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofSeconds(1))
                .ignoreExceptions();
    }

    /** Service, state and health of every container. */
    private static List<String> states() {
        return SERVICES.stream()
                .flatMap(name -> compose.containers(name).stream())
                .map(compose::inspect)
                .map(it -> it.path("Name").asString() + " "
                        + it.at("/State/Status").asString() + " "
                        + (it.at("/Config/Healthcheck").isMissingNode()
                                ? "unchecked"
                                : it.at("/State/Health/Status").asString()))
                .toList();
    }

    private static List<String> post(int jobs, int steps) {
        return Stream.generate(() -> service.post("{\"prompt\":\"a red apple\",\"n\":2,\"steps\":" + steps + "}"))
                .limit(jobs)
                .toList();
    }

    private static void succeeds(String job) {
        waiting()
                .untilAsserted(() ->
                        assertThat(service.job(job).path("state").asString()).isIn("succeeded", "failed", "canceled"));
        assertThat(service.job(job).path("state").asString()).isEqualTo("succeeded");
    }

    /** How many workers have jobs that are begun. */
    private static int drawing() {
        return Integer.parseInt(
                sql("select count(distinct picked_by) from scheduled_tasks join job on task_instance = id"
                        + " where picked and state = 'running'"));
    }

    private static String sql(String query) {
        return compose.run("exec", "-T", "postgres", "psql", "-U", "darkroom", "-d", "darkroom", "-Atc", query)
                .strip();
    }

    private static List<String> bucket() {
        return compose.run("exec", "-T", "s3", "find", "/data/darkroom", "-type", "f")
                .lines()
                .toList();
    }

    private static JsonNode query(String expression) {
        return get(PROMETHEUS + "query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8))
                .at("/data/result");
    }

    private static JsonNode get(String address) {
        try {
            return JsonMapper.shared()
                    .readTree(CLIENT.send(
                                    HttpRequest.newBuilder(URI.create(address)).build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .body());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> texts(JsonNode array, String pointer) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(node -> node.at(pointer).asString(""))
                .toList();
    }
}
