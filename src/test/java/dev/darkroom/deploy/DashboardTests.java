package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.ServerProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Grafana's dashboard and Prometheus's alerts ask for what a running server offers, and {@code docs/metrics.md} lists it. */
class DashboardTests {
    private static final Path FILES = Path.of("helm", "darkroom", "files");

    /** A word in a query that is no function, label or number. */
    private static final Pattern METRIC =
            Pattern.compile("\\b(?:darkroom|http|jvm|process|hikaricp|system|disk|logback|tomcat)_[a-z0-9_]+");

    private final JsonNode dashboard = JsonMapper.shared().readTree(Yaml.text(FILES.resolve("dashboard.json")));

    private static final Pattern SELECTOR = Pattern.compile("([a-z][a-z0-9_]*)\\{([^}]*)\\}");
    private static final Pattern SAMPLE = Pattern.compile("([a-z][a-z0-9_]*)(?:\\{(.*)\\})? \\S+");
    private static final Pattern LABEL = Pattern.compile("([a-z]+)\\s*(?:=~|!~|!=|=)\\s*\"");

    /** Labels that Prometheus itself adds. */
    private static final Set<String> ADDED = Set.of("instance", "namespace", "job");

    private static ServerProcess server;

    /** The names at the endpoint of a server that has drawn and refused something, each with its labels. */
    private static Map<String, Set<String>> offered;

    @BeforeAll
    static void draw() throws Exception {
        server = ServerProcess.start(ServerProcess.freshData("metrics"), "--stub.step-time=5ms")
                .awaitReady();
        assertThat(server.post("{\"prompt\":\"an apple\"}", "Prefer", "wait=60").statusCode())
                .isEqualTo(200);
        assertThat(server.post("{\"prompt\":\"an apple\",\"steps\":0}").statusCode())
                .isEqualTo(400);
        server.liveBytes(); // collects garbage
        offered = new TreeMap<>();
        HttpResponse<String> metrics = server.management("/actuator/prometheus");
        assertThat(metrics.statusCode()).isEqualTo(200);
        for (String line : metrics.body().split("\n")) {
            Matcher sample = SAMPLE.matcher(line);
            if (sample.matches()) {
                offered.computeIfAbsent(sample.group(1), name -> new TreeSet<>())
                        .addAll(labels(sample.group(2)));
            }
        }
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void panelsAskForWhatTheServerOffers() {
        for (JsonNode panel : panels()) {
            assertThat(panel.path("targets")).as(title(panel)).isNotEmpty();
            for (JsonNode target : panel.path("targets")) {
                assertOffered(title(panel), target.path("expr").asString());
            }
        }
    }

    @Test
    void alertsAskForWhatTheServerOffers() {
        JsonNode rules = Yaml.read(FILES.resolve("alerts.yml")).at("/groups/0/rules");
        assertThat(rules).isNotEmpty();
        for (JsonNode rule : rules) {
            assertOffered(rule.path("alert").asString(), rule.path("expr").asString());
            assertThat(rule.at("/annotations/summary").asString()).isNotBlank();
        }
    }

    /** Another application in the same Prometheus has most of these too. */
    private static void assertOffered(String what, String query) {
        assertThat(asked(query)).as(what).isNotEmpty().isSubsetOf(offered.keySet());
        assertThat(Pattern.compile("application=\"darkroom\"").matcher(query).results())
                .as(what + ": each metric with the label of the application")
                .hasSameSizeAs(asked(query));
        Matcher selector = SELECTOR.matcher(query);
        while (selector.find()) {
            Set<String> asked = labels(selector.group(2));
            asked.removeAll(ADDED);
            assertThat(asked).as(what + ": " + selector.group(1)).isSubsetOf(offered.get(selector.group(1)));
        }
    }

    @Test
    void theServerOffersWhatThePageLists() throws IOException {
        Set<String> families = new TreeSet<>();
        offered.keySet().stream()
                .filter(name -> name.startsWith("darkroom_"))
                .forEach(name -> families.add(family(name)));
        assertThat(families).isEqualTo(listed());
    }

    @Test
    void everyMetricOfOursIsShown() throws IOException {
        Set<String> shown = new TreeSet<>();
        for (JsonNode panel : panels()) {
            for (JsonNode target : panel.path("targets")) {
                asked(target.path("expr").asString()).forEach(name -> shown.add(family(name)));
            }
        }
        assertThat(listed()).isSubsetOf(shown);
    }

    @Test
    void theActuatorIsOnItsOwnPortOnly() throws Exception {
        assertThat(server.get("/actuator/prometheus").statusCode()).isEqualTo(404);
        assertThat(server.get("/actuator/health/readiness").statusCode()).isEqualTo(404);
        assertThat(server.management("/actuator/health/liveness").statusCode()).isEqualTo(200);
        assertThat(server.management("/actuator/env").statusCode()).isEqualTo(404);
        assertThat(server.management("/v1/models").statusCode()).isEqualTo(404);
    }

    @Test
    void panelsHaveTheirOwnPlaces() {
        List<Integer> ids = new ArrayList<>();
        boolean[][] taken = new boolean[200][24];
        for (JsonNode panel : dashboard.path("panels")) {
            ids.add(panel.path("id").asInt());
            JsonNode place = panel.path("gridPos");
            for (int y = place.path("y").asInt();
                    y < place.path("y").asInt() + place.path("h").asInt();
                    y++) {
                for (int x = place.path("x").asInt();
                        x < place.path("x").asInt() + place.path("w").asInt();
                        x++) {
                    assertThat(taken[y][x])
                            .as("%s at %d, %d", title(panel), x, y)
                            .isFalse();
                    taken[y][x] = true;
                }
            }
        }
        assertThat(ids).doesNotHaveDuplicates();
    }

    @Test
    void panelsSayWhatTheyShowAndUseTheChosenDataSource() {
        for (JsonNode panel : panels()) {
            assertThat(panel.path("description").asString()).as(title(panel)).isNotBlank();
            assertThat(panel.at("/datasource/uid").asString()).isEqualTo("${datasource}");
            assertThat(panel.at("/fieldConfig/defaults/unit").asString()).isNotBlank();
        }
    }

    /** The names in {@code docs/metrics.md}. */
    private static Set<String> listed() throws IOException {
        Matcher row = Pattern.compile("(?m)^\\| `(darkroom_[a-z_]+)`")
                .matcher(Files.readString(Path.of("docs", "metrics.md")));
        Set<String> listed = new TreeSet<>();
        while (row.find()) {
            listed.add(row.group(1));
        }
        assertThat(listed).isNotEmpty();
        return listed;
    }

    private static Set<String> labels(String text) {
        Set<String> labels = new TreeSet<>();
        Matcher label = LABEL.matcher(text == null ? "" : text);
        while (label.find()) {
            labels.add(label.group(1));
        }
        return labels;
    }

    static List<String> asked(String query) {
        List<String> metrics = new ArrayList<>();
        Matcher matcher = METRIC.matcher(query);
        while (matcher.find()) {
            metrics.add(matcher.group());
        }
        return metrics;
    }

    private static String family(String metric) {
        return metric.replaceFirst("_(bucket|count|sum|max)$", "");
    }

    private List<JsonNode> panels() {
        List<JsonNode> panels = new ArrayList<>();
        for (JsonNode panel : dashboard.path("panels")) {
            if (!panel.path("type").asString().equals("row")) {
                panels.add(panel);
            }
        }
        assertThat(panels).hasSizeGreaterThan(10);
        return panels;
    }

    private static String title(JsonNode panel) {
        return panel.path("title").asString();
    }
}
