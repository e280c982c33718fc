package dev.darkroom.deploy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** The chart through Helm itself: rendered over {@code helm/darkroom/ci}, each object held against Kubernetes' schemas. */
class HelmChartTests {
    private static final Path CHART = Path.of("helm", "darkroom");

    private static Path copy = CHART;

    private static final String LOOKUP = "(lookup \"v1\" \"Secret\" .Release.Namespace $name)";

    private static final String[] KUBERNETES = {"1.29.0", "1.37.0"};
    private static final String DATABASE =
            "database: {url: 'jdbc:postgresql://db/darkroom', existingSecret: db}\nimages: {location: 's3://pictures'}\n";

    @TempDir
    Path temp;

    @BeforeAll
    static void copyTheChart(@TempDir Path folder) throws IOException {
        copy = withTheTest(folder.resolve("darkroom"));
    }

    /** Copies the chart; its test is no hook, since Helm's template command leaves hooks out here, and no cluster is asked. */
    static Path withTheTest(Path copy) throws IOException {
        try (Stream<Path> files = Files.walk(CHART)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = copy.resolve(CHART.relativize(file));
                Files.createDirectories(target.getParent());
                Files.write(
                        target,
                        Files.readString(file)
                                .replaceAll("(?m)^ *helm.sh/hook: test\n", "")
                                .replace(LOOKUP, "(dict)")
                                .getBytes(UTF_8));
            }
        }
        return copy;
    }

    static Stream<Path> values() throws IOException {
        List<Path> files = new ArrayList<>();
        files.add(CHART.resolve("values.yaml"));
        try (Stream<Path> ci = Files.list(CHART.resolve("ci"))) {
            ci.sorted().forEach(files::add);
        }
        return files.stream();
    }

    @Test
    void passesTheStrictLinter() {
        LintResult result = new Helm(CHART).lint().strict().call();
        assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
        assertThat(result.getMessages()).noneMatch(message -> message.contains("[ERROR]") || message.contains("[WARN"));
    }

    @ParameterizedTest
    @MethodSource("values")
    void rendersOnlyWhatKubernetesKnows(Path values) {
        for (String version : KUBERNETES) {
            for (JsonNode object : render(values, version)) {
                assertThat(Schemas.kubernetesErrors(version, object))
                        .as("%s on %s", name(object), version)
                        .isEmpty();
            }
        }
    }

    @Test
    void aMisspeltFieldWouldBeFound() {
        JsonNode service = Yaml.document("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {port: 80}}");
        assertThat(Schemas.kubernetesErrors("1.37.0", service))
                .singleElement()
                .asString()
                .contains("port");
    }

    /** The profile "restricted" of Kubernetes' pod security standards, and a root file system that is read-only. */
    @ParameterizedTest
    @MethodSource("values")
    void podsAreRestricted(Path values) {
        List<JsonNode> pods = pods(render(values, KUBERNETES[1]));
        assertThat(pods).hasSizeGreaterThanOrEqualTo(2); // a workload and the chart's test
        for (JsonNode pod : pods) {
            assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
            assertThat(pod.at("/securityContext/runAsUser").asInt()).isEqualTo(10001);
            assertThat(pod.at("/securityContext/seccompProfile/type").asString())
                    .isEqualTo("RuntimeDefault");
            assertThat(pod.at("/automountServiceAccountToken").asBoolean(true)).isFalse();
            for (String no : List.of("hostNetwork", "hostPID", "hostIPC")) {
                assertThat(pod.has(no)).isFalse();
            }
            for (JsonNode container : containers(pod)) {
                JsonNode security = container.path("securityContext");
                assertThat(security.path("allowPrivilegeEscalation").asBoolean(true))
                        .isFalse();
                assertThat(security.path("readOnlyRootFilesystem").asBoolean()).isTrue();
                assertThat(security.at("/capabilities/drop/0").asString()).isEqualTo("ALL");
                assertThat(security.has("privileged")).isFalse();
                assertThat(container.at("/resources/limits/memory").isMissingNode())
                        .isFalse();
            }
            for (JsonNode volume : pod.path("volumes")) {
                assertThat(volume.has("hostPath")).isFalse();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("values")
    void objectsFitTogether(Path values) {
        List<JsonNode> objects = render(values, KUBERNETES[1]);
        assertThat(objects.stream().map(HelmChartTests::name)).doesNotHaveDuplicates();
        for (JsonNode pod : pods(objects)) {
            Set<String> volumes = new HashSet<>();
            pod.path("volumes")
                    .forEach(volume -> volumes.add(volume.path("name").asString()));
            objects.forEach(object -> object.at("/spec/volumeClaimTemplates")
                    .forEach(claim -> volumes.add(claim.at("/metadata/name").asString())));
            for (JsonNode container : containers(pod)) {
                for (JsonNode mount : container.path("volumeMounts")) {
                    assertThat(volumes).contains(mount.path("name").asString());
                }
                List<String> variables = new ArrayList<>();
                container
                        .path("env")
                        .forEach(each -> variables.add(each.path("name").asString()));
                assertThat(variables).doesNotHaveDuplicates();
                for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                    if (container.has(probe)) {
                        assertThat(container.at("/" + probe + "/httpGet/port").asString())
                                .isEqualTo("management");
                        assertThat(container.path("ports"))
                                .anyMatch(port -> port.path("name").asString().equals("management"));
                    }
                }
            }
        }
        for (JsonNode service : of(objects, "Service")) {
            List<JsonNode> selected = selected(objects, service.at("/spec/selector"));
            assertThat(selected).as(name(service)).isNotEmpty();
            for (JsonNode port : service.at("/spec/ports")) {
                assertThat(selected)
                        .allSatisfy(template -> assertThat(template.at("/spec/containers/0/ports"))
                                .anyMatch(each -> each.path("name").equals(port.path("targetPort"))));
            }
        }
        for (String kind : List.of("PodDisruptionBudget", "StatefulSet", "Deployment")) {
            for (JsonNode object : of(objects, kind)) {
                assertThat(selected(objects, object.at("/spec/selector/matchLabels")))
                        .as(name(object))
                        .hasSize(1);
            }
        }
        for (String kind : List.of("HorizontalPodAutoscaler", "ScaledObject")) {
            for (JsonNode scaler : of(objects, kind)) {
                JsonNode target = one(
                        objects,
                        "Deployment",
                        scaler.at("/spec/scaleTargetRef/name").asString());
                assertThat(target.at("/spec/replicas").isMissingNode())
                        .as("replicas are the scaler's")
                        .isTrue();
            }
        }
        for (JsonNode monitor : of(objects, "ServiceMonitor")) {
            assertThat(of(objects, "Service"))
                    .filteredOn(service ->
                            matches(monitor.at("/spec/selector/matchLabels"), service.at("/metadata/labels")))
                    .singleElement()
                    .satisfies(service -> assertThat(service.at("/spec/ports/0/name"))
                            .isEqualTo(monitor.at("/spec/endpoints/0/port")));
        }
    }

    @Test
    void embeddedIsOneStatefulSetWithAVolume() throws IOException {
        List<JsonNode> objects = render("");
        assertThat(of(objects, "Deployment")).isEmpty();
        JsonNode set = one(objects, "StatefulSet", "release-darkroom");
        assertThat(set.at("/spec/replicas").asInt()).isEqualTo(1);
        assertThat(set.at("/spec/volumeClaimTemplates/0/spec/resources/requests/storage")
                        .asString())
                .isEqualTo("10Gi");
        JsonNode pod = set.at("/spec/template/spec");
        assertThat(variable(pod, "DARKROOM_ROLE")).isEqualTo("all");
        assertThat(variable(pod, "DARKROOM_DEVICES")).isEqualTo("cpu");
        assertThat(pod.at("/containers/0/image").asString()).endsWith("-cpu");
        assertThat(settings(objects).at("/spring/datasource").isMissingNode()).isTrue();
    }

    @Test
    void clusterTellsApiAndWorkersApart() throws IOException {
        List<JsonNode> objects = render("mode: cluster\n" + DATABASE);
        assertThat(of(objects, "StatefulSet")).isEmpty();
        JsonNode api = one(objects, "Deployment", "release-darkroom-api").at("/spec/template/spec");
        JsonNode worker = one(objects, "Deployment", "release-darkroom-worker").at("/spec/template/spec");
        assertThat(variable(api, "DARKROOM_ROLE")).isEqualTo("api");
        assertThat(variable(worker, "DARKROOM_ROLE")).isEqualTo("worker");
        assertThat(api.path("volumes"))
                .noneMatch(volume -> volume.path("name").asString().equals("models"));
        assertThat(worker.at("/containers/0/ports"))
                .noneMatch(port -> port.path("name").asString().equals("http"));
        assertThat(settings(objects).at("/spring/datasource/url").asString())
                .isEqualTo("jdbc:postgresql://db/darkroom");
        assertThat(settings(objects).at("/darkroom/images").asString()).isEqualTo("s3://pictures");
        assertThat(of(objects, "Secret"))
                .as("the Secret of the database is there already")
                .extracting(HelmChartTests::name)
                .containsExactly("Secret release-darkroom-keys");
        assertThat(of(objects, "PodDisruptionBudget")).hasSize(2);
    }

    @Test
    void theGracePeriodHoldsTheDrain() throws IOException {
        List<JsonNode> objects = render("drainSeconds: 25\npreStopSeconds: 7\n");
        JsonNode pod = one(objects, "StatefulSet", "release-darkroom").at("/spec/template/spec");
        assertThat(pod.path("terminationGracePeriodSeconds").asInt()).isEqualTo(25 + 7 + 30);
        assertThat(pod.at("/containers/0/lifecycle/preStop/exec/command/1").asString())
                .isEqualTo("7");
        assertThat(settings(objects).at("/darkroom/drain").asString()).isEqualTo("25s");
    }

    @Test
    void theStartupProbeWaitsForTheModel() throws IOException {
        JsonNode probe = one(render("startupSeconds: 601"), "StatefulSet", "release-darkroom")
                .at("/spec/template/spec/containers/0/startupProbe");
        assertThat(probe.at("/httpGet/path").asString()).isEqualTo("/actuator/health/readiness");
        assertThat(probe.path("periodSeconds").asInt()
                        * probe.path("failureThreshold").asInt())
                .isBetween(601, 605);
    }

    @Test
    void aWorkerGetsItsGpus() {
        JsonNode worker = one(
                render(CHART.resolve("ci/gpu-values.yaml"), KUBERNETES[1]), "Deployment", "release-darkroom-worker");
        JsonNode pod = worker.at("/spec/template/spec");
        assertThat(pod.at("/containers/0/resources/limits/nvidia.com~1gpu").asInt())
                .isEqualTo(2);
        assertThat(pod.at("/containers/0/resources/limits/memory").asString()).isEqualTo("10Gi");
        assertThat(variable(pod, "DARKROOM_DEVICES")).isEqualTo("cuda:0,cuda:1");
        assertThat(pod.path("runtimeClassName").asString()).isEqualTo("nvidia");
        assertThat(pod.at("/tolerations/0/key").asString()).isEqualTo("nvidia.com/gpu");
        assertThat(pod.at("/containers/0/image").asString()).endsWith("-cuda");
        assertThat(worker.at("/spec/strategy/rollingUpdate/maxSurge").asInt()).isZero();
    }

    @Test
    void oneTagIsForBothImages() throws IOException {
        String values = "mode: cluster\n" + DATABASE + "worker: {gpu: {enabled: true, count: 1}}\n";
        String digest = "sha256:" + "0123456789abcdef".repeat(4);
        assertThat(images(values)).containsExactly("darkroom:" + version() + "-cpu", "darkroom:" + version() + "-cuda");
        assertThat(images(values + "image: {registry: 'r.example:5000', repository: a/b, tag: '7'}"))
                .containsExactly("r.example:5000/a/b:7-cpu", "r.example:5000/a/b:7-cuda");
        assertThat(images(values + "image: {cpu: {tag: mine}, cuda: {digest: '" + digest + "'}}"))
                .containsExactly("darkroom:mine", "darkroom@" + digest);
    }

    private static String version() {
        return Yaml.read(CHART.resolve("Chart.yaml")).path("appVersion").asString();
    }

    private List<String> images(String values) throws IOException {
        return of(render(values), "Deployment").stream()
                .map(each -> each.at("/spec/template/spec/containers/0/image").asString())
                .toList();
    }

    @Test
    void modelsAndDataAreKeptOnClaims() throws IOException {
        List<JsonNode> made = render("models: {hub: [a/b], storage: {enabled: true, size: 3Gi}}");
        assertThat(one(made, "PersistentVolumeClaim", "release-darkroom-models")
                        .at("/spec/resources/requests/storage")
                        .asString())
                .isEqualTo("3Gi");
        assertThat(claim(made, "models")).isEqualTo("release-darkroom-models");

        List<JsonNode> given =
                render("models: {storage: {enabled: true, existingClaim: m}}\nall: {storage: {existingClaim: d}}");
        assertThat(of(given, "PersistentVolumeClaim")).isEmpty();
        assertThat(claim(given, "models")).isEqualTo("m");
        assertThat(claim(given, "data")).isEqualTo("d");
        assertThat(one(given, "StatefulSet", "release-darkroom")
                        .at("/spec/volumeClaimTemplates")
                        .isMissingNode())
                .isTrue();
    }

    private static String claim(List<JsonNode> objects, String name) {
        return one(objects, "StatefulSet", "release-darkroom")
                .at("/spec/template/spec/volumes")
                .valueStream()
                .filter(volume -> volume.path("name").asString().equals(name))
                .findAny()
                .orElseThrow()
                .at("/persistentVolumeClaim/claimName")
                .asString();
    }

    @Test
    void workloadsCanBeScaledToNothing() throws IOException {
        List<JsonNode> objects = render("mode: cluster\n" + DATABASE + "api: {replicas: 0}\nworker: {replicas: 0}");
        assertThat(of(objects, "Deployment"))
                .allSatisfy(
                        each -> assertThat(each.at("/spec/replicas").asInt(-1)).isZero());
        JsonNode scaled = one(
                render("mode: cluster\n" + DATABASE
                        + "worker: {keda: {enabled: true, minReplicas: 0, prometheusAddress: 'http://p'}}"),
                "ScaledObject",
                "release-darkroom-worker");
        assertThat(scaled.at("/spec/minReplicaCount").asInt(-1)).isZero();
    }

    @Test
    void securityContextsCanBeLaidOver() throws IOException {
        JsonNode pod = one(
                        render(
                                "podSecurityContext: {runAsUser: null, fsGroup: 7}\nsecurityContext: {privileged: false}"),
                        "StatefulSet",
                        "release-darkroom")
                .at("/spec/template/spec");
        assertThat(pod.at("/securityContext/runAsUser").isMissingNode()).isTrue();
        assertThat(pod.at("/securityContext/fsGroup").asInt()).isEqualTo(7);
        assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
        assertThat(pod.at("/containers/0/securityContext/readOnlyRootFilesystem")
                        .asBoolean())
                .isTrue();
    }

    @Test
    void volumesCanBeAdded() throws IOException {
        JsonNode pod = one(
                        render(
                                "all: {extraVolumes: [{name: ca, secret: {secretName: ca}}], extraVolumeMounts: [{name: ca, mountPath: /ca}]}"),
                        "StatefulSet",
                        "release-darkroom")
                .at("/spec/template/spec");
        assertThat(pod.path("volumes").toString()).contains("\"secretName\":\"ca\"");
        assertThat(pod.at("/containers/0/volumeMounts").toString()).contains("\"mountPath\":\"/ca\"");
    }

    @Test
    void aSettingOfOnesOwnGoesBeforeTheCharts() throws IOException {
        JsonNode settings = settings(render("settings: {server: {port: 9}, darkroom: {max-rows: 4}}"));
        assertThat(settings.at("/server/port").asInt()).isEqualTo(9);
        assertThat(settings.at("/server/shutdown").asString()).isEqualTo("graceful");
        assertThat(settings.at("/darkroom/max-rows").asInt()).isEqualTo(4);
    }

    @Test
    void nobodyUnknownIsServedUnlessTheValuesSaySo() throws IOException {
        assertThat(settings(render("{}")).at("/darkroom/anonymous").isMissingNode())
                .isTrue();
        JsonNode open = settings(render("{auth: {anonymous: true}, images: {location: 's3://pictures'}}"));
        assertThat(open.at("/darkroom/anonymous").asBoolean()).isTrue();
        assertThat(open.at("/darkroom/images").asString()).isEqualTo("s3://pictures");
        JsonNode pod = of(render("auth: {apiKeys: {existingSecret: keys}}"), "StatefulSet")
                .get(0)
                .at("/spec/template/spec/containers/0/env");
        assertThat(pod.toString()).contains("DARKROOM_API_KEYS", "\"name\":\"keys\"");
    }

    /** Without keys both ports would listen on loopback only, and no probe would reach them. */
    @Test
    void aKeyIsMadeWhereNothingSaysWhoMayCall() throws Exception {
        List<JsonNode> objects = render("{}");
        JsonNode data = one(objects, "Secret", "release-darkroom-keys").path("data");
        String key = decoded(data.path("admin-key"));
        String setting = decoded(data.path("api-keys"));
        assertThat(key).matches("dk_[0-9a-f]{10}_[A-Za-z0-9_-]{43}");
        byte[] hash = MessageDigest.getInstance("SHA-256")
                .digest(key.substring(key.lastIndexOf('_') + 1).getBytes(UTF_8));
        assertThat(setting)
                .isEqualTo("id=" + key.substring(3, 13) + " hash="
                        + HexFormat.of().formatHex(hash) + " name=admin scopes=images:write+jobs:read");
        JsonNode reference = variables(one(objects, "StatefulSet", "release-darkroom"))
                .filter(variable -> variable.path("name").asString().equals("DARKROOM_API_KEYS"))
                .findAny()
                .orElseThrow()
                .at("/valueFrom/secretKeyRef");
        assertThat(reference.path("name").asString()).isEqualTo("release-darkroom-keys");
        assertThat(reference.path("key").asString()).isEqualTo("api-keys");

        for (String said : List.of(
                "{auth: {anonymous: true}}",
                "{auth: {apiKeys: {existingSecret: keys}}}",
                "{auth: {jwt: {issuer: 'https://login.example.org'}}}")) {
            assertThat(of(render(said), "Secret")).as(said).isEmpty();
        }
    }

    /** What an upgrade finds in the cluster stays; here the cluster's answer is written in its place. */
    @Test
    void theKeyIsKeptOverUpgrades() throws IOException {
        Path template = copy.resolve("templates/secret.yaml");
        String text = Files.readString(template);
        try {
            assertThat(text).contains("(dict).data");
            Files.writeString(
                    template,
                    text.replace(
                            "(dict).data",
                            "(dict \"data\" (dict \"admin-key\" (b64enc \"key\") \"api-keys\" (b64enc \"setting\"))).data"));
            JsonNode secret = one(render("{}"), "Secret", "release-darkroom-keys");
            assertThat(decoded(secret.at("/data/admin-key"))).isEqualTo("key");
            assertThat(decoded(secret.at("/data/api-keys"))).isEqualTo("setting");
            assertThat(secret.at("/metadata/annotations/helm.sh~1resource-policy")
                            .asString())
                    .isEqualTo("keep");
        } finally {
            Files.writeString(template, text);
        }
    }

    @Test
    void theClusterIsAskedForTheKey() throws IOException {
        assertThat(Files.readString(CHART.resolve("templates/secret.yaml"))).contains(LOOKUP + ".data");
    }

    @Test
    void thePolicyLetsTheChartsTestIn() {
        List<JsonNode> objects = render(CHART.resolve("ci/everything-values.yaml"), KUBERNETES[1]);
        JsonNode labels = one(objects, "Pod", "pictures-test").at("/metadata/labels");
        JsonNode rules = of(objects, "NetworkPolicy").get(0).at("/spec/ingress");
        assertThat(rules)
                .hasSize(2)
                .allSatisfy(rule -> assertThat(rule.path("from"))
                        .anyMatch(from -> !from.path("podSelector").isMissingNode()
                                && matches(from.at("/podSelector/matchLabels"), labels)));
    }

    private static String decoded(JsonNode text) {
        return new String(Base64.getDecoder().decode(text.asString()), UTF_8);
    }

    private static Stream<JsonNode> variables(JsonNode workload) {
        return workload.at("/spec/template/spec/containers/0/env").valueStream();
    }

    @Test
    void secretsAreOnlyReferredTo() throws IOException {
        String text =
                command(CHART.resolve("ci/gpu-values.yaml"), KUBERNETES[1]).call();
        assertThat(text).doesNotContain("not-a-secret").contains("bm90LWEtc2VjcmV0"); // base64, in the Secret
        assertThat(text.split("bm90LWEtc2VjcmV0", -1)).hasSize(2);
    }

    @Test
    void eventStreamsAreNotCut() {
        JsonNode route = of(render(CHART.resolve("ci/gateway-values.yaml"), KUBERNETES[1]), "HTTPRoute")
                .get(0);
        assertThat(route.at("/spec/rules/0/timeouts/request").asString()).isEqualTo("0s");
        JsonNode ingress = of(render(CHART.resolve("ci/ingress-values.yaml"), KUBERNETES[1]), "Ingress")
                .get(0);
        assertThat(ingress.at("/metadata/annotations/nginx.ingress.kubernetes.io~1proxy-buffering")
                        .asString())
                .isEqualTo("off");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            all: {replicas: 2}                                     | an embedded database (H2) belongs to one pod
            all: {replicas: 2}, DATABASE                           | each pod would keep its pictures to itself
            all: {replicas: -1}                                    | minimum
            all: {replicas: 2, storage: {existingClaim: c}}, images: {location: 's3://pictures'}, DATABASE | for a single pod
            models: {volume: {emptyDir: {}}, storage: {enabled: true}} | two places
            image: {cpu: {digest: latest}}                         | pattern
            mode: cluster                                          | mode cluster needs PostgreSQL
            mode: cluster, DATABASE                                | mode cluster needs a store of pictures
            mode: both                                             | must be one of
            mod: cluster                                           | mod
            worker: {replica: 2}                                   | replica
            database: {url: 'jdbc:h2:mem:a'}                       | pattern
            database: {url: 'jdbc:postgresql://a/b'}               | without credentials
            images: {location: '/srv/pictures'}                    | pattern
            all: {gpu: {enabled: true}}                            | minimum
            all: {gpu: {enabled: true, count: 1, resource: gpu}}   | pattern
            worker: {keda: {enabled: true, prometheusAddress: 'http://p'}} | worker.keda is for mode cluster
            worker: {keda: {enabled: true}}                        | pattern
            api: {autoscaling: {enabled: true}}                    | api.autoscaling is for mode cluster
            ingress: {enabled: true}                               | minItems
            httpRoute: {enabled: true}                             | minItems
            models: {hub: [one]}                                   | pattern
            models: {hub: [a/b], readOnly: true}                   | models.hub cannot be fetched
            models: {volume: {emptyDir: {}, hostPath: {path: /}}}  | maxProperties
            drainSeconds: soon                                     | integer
            drainSeconds: 31                                       | maximum
            """)
    void refuses(String values, String reason) throws IOException {
        String yaml =
                "{" + values.replace("DATABASE", "database: {url: 'jdbc:postgresql://a/b', existingSecret: s}") + "}";
        assertThatThrownBy(() -> render(yaml)).hasMessageContaining(reason);
    }

    private List<JsonNode> render(String values) throws IOException {
        return render(Files.writeString(temp.resolve("values.yaml"), values), KUBERNETES[1]);
    }

    private static List<JsonNode> render(Path values, String kubernetes) {
        return Yaml.documents(command(values, kubernetes).call());
    }

    private static TemplateCommand command(Path values, String kubernetes) {
        return new Helm(copy)
                .template()
                .withName("release")
                .withNamespace("pictures")
                .withKubeVersion(kubernetes)
                .withValuesFile(values.toAbsolutePath());
    }

    private static String name(JsonNode object) {
        return object.path("kind").asString() + " "
                + object.at("/metadata/name").asString();
    }

    private static List<JsonNode> of(List<JsonNode> objects, String kind) {
        return objects.stream()
                .filter(object -> object.path("kind").asString().equals(kind))
                .toList();
    }

    private static JsonNode one(List<JsonNode> objects, String kind, String name) {
        return objects.stream()
                .filter(object -> name(object).equals(kind + " " + name))
                .findAny()
                .orElseThrow();
    }

    private static List<JsonNode> pods(List<JsonNode> objects) {
        List<JsonNode> pods = new ArrayList<>();
        for (JsonNode object : objects) {
            JsonNode template = object.at("/spec/template/spec");
            if (!template.isMissingNode()) {
                pods.add(template);
            } else if (object.path("kind").asString().equals("Pod")) {
                pods.add(object.path("spec"));
            }
        }
        return pods;
    }

    private static List<JsonNode> containers(JsonNode pod) {
        List<JsonNode> containers = new ArrayList<>();
        pod.path("initContainers").forEach(containers::add);
        pod.path("containers").forEach(containers::add);
        return containers;
    }

    private static List<JsonNode> selected(List<JsonNode> objects, JsonNode labels) {
        return objects.stream()
                .map(object -> object.at("/spec/template"))
                .filter(template -> !template.isMissingNode() && matches(labels, template.at("/metadata/labels")))
                .toList();
    }

    private static boolean matches(JsonNode selector, JsonNode labels) {
        return selector.propertyStream()
                .allMatch(each -> labels.path(each.getKey()).equals(each.getValue()));
    }

    private static String variable(JsonNode pod, String name) {
        for (JsonNode variable : pod.at("/containers/0/env")) {
            if (variable.path("name").asString().equals(name)) {
                return variable.path("value").asString();
            }
        }
        throw new AssertionError("no variable " + name);
    }

    private static JsonNode settings(List<JsonNode> objects) {
        return Yaml.document(one(objects, "ConfigMap", "release-darkroom")
                .at("/data/application.yml")
                .asString());
    }
}
