package dev.darkroom.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The list of metrics, and its page for operators. */
class MetricTests {

    /** What a label may be: nothing that a client makes up. */
    private static final Set<String> LABELS =
            Set.of("model", "sampler", "outcome", "code", "state", "device", "version", "revision");

    @Test
    void thePageListsEveryMetricWithItsKindLabelsAndMeaning() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("docs", "metrics.md")).stream()
                .filter(line -> line.startsWith("| `darkroom_"))
                .toList();
        List<String> expected = new ArrayList<>();
        for (Metric metric : Metric.values()) {
            expected.add("| `%s` | %s |%s | %s |"
                    .formatted(
                            prometheusName(metric),
                            metric.kind.name().toLowerCase(Locale.ROOT),
                            metric.labels.isEmpty()
                                    ? ""
                                    : metric.labels.stream().collect(Collectors.joining("`, `", " `", "`")),
                            metric.description));
        }
        assertThat(rows).containsExactlyElementsOf(expected);
    }

    @Test
    void labelsHaveFewValues() {
        for (Metric metric : Metric.values()) {
            assertThat(LABELS).as(metric.id).containsAll(metric.labels);
        }
    }

    @Test
    void aMetricIsNotUsedAsWhatItIsNot() {
        Metrics metrics = new Metrics(new SimpleMeterRegistry());
        assertThatThrownBy(() -> metrics.count(Metric.STEP, 1, "a model"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("STEP is a TIMER");
        assertThatThrownBy(() -> metrics.time(Metric.STEP, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("labels [model]");
    }

    private static String prometheusName(Metric metric) {
        String name = metric.id.replace('.', '_');
        return switch (metric.kind) {
            case COUNTER -> name + "_total";
            case TIMER, SUMMARY, GAUGE ->
                name.endsWith("_" + metric.unit) || metric.unit.equals("info") ? name : name + "_" + metric.unit;
        };
    }
}
