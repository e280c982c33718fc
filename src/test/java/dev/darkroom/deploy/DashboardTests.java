package dev.darkroom.deploy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Grafana's dashboard and Prometheus's alerts ask for metrics of the one list, {@code metrics.txt}. */
class DashboardTests {
    private static final Path FILES = Path.of("helm", "darkroom", "files");

    /** A word in a query that is no function, label or number. */
    private static final Pattern METRIC =
            Pattern.compile("\\b(?:darkroom|http|jvm|process|hikaricp|system|logback|tomcat)_[a-z0-9_]+");

    private final JsonNode dashboard = JsonMapper.shared().readTree(Yaml.text(FILES.resolve("dashboard.json")));

    @Test
    void panelsAskForListedMetricsOnly() throws IOException {
        List<String> listed = metrics();
        for (JsonNode panel : panels()) {
            assertThat(panel.path("targets")).as(title(panel)).isNotEmpty();
            for (JsonNode target : panel.path("targets")) {
                assertThat(asked(target.path("expr").asString()))
                        .as(title(panel))
                        .isNotEmpty()
                        .allSatisfy(metric -> assertThat(listed).contains(metric));
            }
        }
    }

    @Test
    void alertsAskForListedMetricsOnly() throws IOException {
        JsonNode rules = Yaml.read(FILES.resolve("alerts.yml")).at("/groups/0/rules");
        assertThat(rules).isNotEmpty();
        for (JsonNode rule : rules) {
            assertThat(asked(rule.path("expr").asString()))
                    .as(rule.path("alert").asString())
                    .isNotEmpty()
                    .isSubsetOf(metrics());
            assertThat(rule.at("/annotations/summary").asString()).isNotBlank();
        }
    }

    @Test
    void everyMetricOfOursIsShown() throws IOException {
        TreeSet<String> shown = new TreeSet<>();
        for (JsonNode panel : panels()) {
            panel.path("targets")
                    .forEach(target -> shown.addAll(asked(target.path("expr").asString())));
        }
        List<String> families = shown.stream().map(DashboardTests::family).toList();
        assertThat(metrics().stream()
                        .filter(name -> name.startsWith("darkroom_"))
                        .map(DashboardTests::family))
                .isSubsetOf(families);
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

    static List<String> metrics() throws IOException {
        try (InputStream in = Objects.requireNonNull(DashboardTests.class.getResourceAsStream("metrics.txt"))) {
            return new String(in.readAllBytes(), UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList();
        }
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
        return metric.replaceFirst("_(bucket|count|sum)$", "");
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
