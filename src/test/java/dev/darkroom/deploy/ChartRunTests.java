package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.marcnuri.helm.Helm;
import dev.darkroom.ServerProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every example of the chart runs: its pods as containers with the image, the environment, the files and the limits that the
 * rendered objects say, probed from outside at the pod's address as a kubelet does. {@code .ci/run chart}.
 */
@Tag("containers")
class ChartRunTests {
    private static final Path CHART = Path.of("helm", "darkroom");
    private static final Duration LONG = Duration.ofMinutes(6);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private static Machine machine;
    private static Outside outside;

    /** {@code -Dpods=3} starts as many of a workload as its values say, up to that. */
    private static final int AT_MOST = Integer.getInteger("pods", 2);

    private static final String KEY = "dk_0123456789_0123456789012345678901234567890123456789012";
    private static final String KEYS =
            "id=0123456789 hash=" + hash(KEY.substring(14)) + " name=runner scopes=images:write+jobs:read";

    @BeforeAll
    static void start() throws Exception {
        machine = new Machine();
        outside = new Outside(machine);
    }

    @AfterAll
    static void stop() throws IOException {
        outside.close();
        machine.close();
    }

    @AfterEach
    void clear() {
        machine.clear();
    }

    static Stream<Path> values() throws IOException {
        List<Path> files = new ArrayList<>(List.of(CHART.resolve("values.yaml")));
        try (Stream<Path> ci = Files.list(CHART.resolve("ci"))) {
            ci.sorted().forEach(files::add);
        }
        String only = System.getProperty("values", "");
        return files.stream().filter(file -> file.getFileName().toString().startsWith(only));
    }

    @ParameterizedTest
    @MethodSource("values")
    void becomesReadyPassesItsTestAndDraws(Path values) throws Exception {
        outside.postgres.freshDatabase("darkroom");
        Path folder = ServerProcess.freshData("chart");
        List<JsonNode> objects = Yaml.documents(new Helm(HelmChartTests.withTheTest(folder.resolve("darkroom")))
                .template()
                .withName("release")
                .withNamespace(Release.NAMESPACE)
                .withKubeVersion("1.37.0")
                .withValuesFile(values.toAbsolutePath())
                .call());
        Release release = new Release(
                machine,
                objects,
                outside.secrets(KEYS),
                outside.hosts(),
                folder,
                List.of(outside.certificates + ":/opt/java/openjdk/lib/security/cacerts:ro"),
                AT_MOST);
        release.install();
        for (Release.Pod pod : release.pods()) {
            probe(pod, "startupProbe");
        }
        for (Release.Pod pod : release.pods()) {
            probe(pod, "readinessProbe");
            probe(pod, "livenessProbe");
        }

        Shell.Result test = release.test();
        assertThat(test.status()).as(test.output()).isZero();

        draw(release, Yaml.read(values));
        policiesHold(release, Yaml.read(values));
        for (Release.Pod pod : release.pods()) {
            JsonNode grace = pod.template().at("/spec/terminationGracePeriodSeconds");
            assertThat(machine.stop(pod.name(), grace.asInt()))
                    .as(machine.log(pod.name()))
                    .isEqualTo(143);
        }
    }

    private static void probe(Release.Pod pod, String kind) {
        JsonNode probe = pod.container().at("/" + kind + "/httpGet");
        URI uri = URI.create("http://" + pod.address() + ":"
                + pod.port(probe.path("port").asString()) + probe.path("path").asString());
        try {
            await().atMost(LONG)
                    .pollInterval(Duration.ofSeconds(2))
                    .ignoreExceptionsInstanceOf(IOException.class)
                    .failFast("it has ended", () -> !machine.runs(pod.name()))
                    .until(() -> CLIENT.send(
                                            HttpRequest.newBuilder(uri)
                                                    .timeout(Duration.ofSeconds(5))
                                                    .build(),
                                            HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200);
        } catch (RuntimeException e) {
            throw new AssertionError(pod.name() + " " + kind + ": " + machine.log(pod.name()), e);
        }
    }

    /** A picture through the service, by a caller in another namespace. */
    private static void draw(Release release, JsonNode values) throws IOException {
        String made = release.secret("release-darkroom-keys", "admin-key");
        String issuer = values.at("/auth/jwt/issuer").asString("");
        String bearer = made != null
                ? made
                : !issuer.isEmpty() && values.at("/auth/apiKeys").isMissingNode() ? outside.token(issuer) : KEY;
        String authorization =
                values.at("/auth/anonymous").asBoolean() ? "X-Any: 1" : "Authorization: Bearer " + bearer;
        JsonNode service = release.of("Service").get(0);
        String address =
                "http://" + "10.96.0.1:" + service.at("/spec/ports/0/port").asInt();
        String[] post = {
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "120",
            "--fail",
            "--retry", // after 503: the issuer is asked with a short patience
            "5",
            "-H",
            authorization,
            "-H",
            "Content-Type: application/json",
            "-d",
            "{\"prompt\":\"a red apple\",\"steps\":2}",
            address + "/v1/images"
        };
        Shell.Result posted = machine.tried("gateway", post);
        assertThat(posted.status())
                .as(() -> posted.output() + machine.log(release.pods().get(0).name()))
                .isZero();
        String id = JsonMapper.shared()
                .readTree(posted.output().substring(posted.output().indexOf('{')))
                .path("id")
                .asString();
        String[] get = {
            "curl", "--silent", "--max-time", "120", "-H", authorization, address + "/v1/jobs/" + id + "?wait_ms=10000"
        };
        await().atMost(LONG)
                .until(() -> JsonMapper.shared()
                        .readTree(machine.in("gateway", get))
                        .path("state")
                        .asString()
                        .equals("succeeded"));
        Path picture = Files.createTempFile("picture", ".png");
        machine.in(
                "gateway",
                "curl",
                "--silent",
                "--fail",
                "-H",
                authorization,
                "-o",
                picture.toString(),
                address + "/v1/jobs/" + id + "/images/0");
        assertThat(Files.readAllBytes(picture)).startsWith(0x89, 'P', 'N', 'G');
        Files.delete(picture);
    }

    /** Who the values name is let in, and nobody else. */
    private static void policiesHold(Release release, JsonNode values) {
        boolean callers = !values.at("/networkPolicy/from").isEmpty();
        boolean monitors = !values.at("/networkPolicy/monitoringFrom").isEmpty();
        for (Release.Pod pod : release.pods()) {
            Map<String, Boolean> expected = Map.of("gateway", true, "stranger", !callers, "prometheus", !callers);
            if (pod.port("http") > 0) {
                expected.forEach((peer, in) ->
                        assertThat(reaches(peer, pod, "http")).as(peer).isEqualTo(in));
            }
            assertThat(reaches("prometheus", pod, "management")).isTrue();
            assertThat(reaches("stranger", pod, "management")).isEqualTo(!monitors);
            assertThat(reaches("test", pod, "management")).isTrue();
        }
    }

    private static boolean reaches(String peer, Release.Pod pod, String port) {
        String target = "/dev/tcp/" + pod.address() + "/" + pod.port(port);
        return machine.tried(peer, "timeout", "2", "bash", "-c", "exec 3<>" + target)
                        .status()
                == 0;
    }

    private static String hash(String secret) {
        try {
            return java.util.HexFormat.of()
                    .formatHex(java.security.MessageDigest.getInstance("SHA-256")
                            .digest(secret.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
