package dev.darkroom.observe;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.Supplier;
import org.springframework.stereotype.Component;

/** Counts and measures what {@link Metric} names. Values of labels come in the order in which the metric lists its labels. */
@Component
public class Metrics {

    /** Upper bounds of the timers' histogram: from a tokenizer to a long queue. */
    private static final Duration[] BOUNDS = {
        Duration.ofMillis(1),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofMillis(2500),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60),
        Duration.ofSeconds(120),
        Duration.ofSeconds(300),
        Duration.ofSeconds(600)
    };

    private final MeterRegistry registry;

    public Metrics(MeterRegistry registry) {
        this.registry = registry;
    }

    public void time(Metric timer, Duration took, String... values) {
        Timer.builder(timer.id)
                .description(timer.description)
                .tags(tags(timer, Metric.Kind.TIMER, values))
                .serviceLevelObjectives(BOUNDS)
                .register(registry)
                .record(took);
    }

    public void record(Metric summary, double value, String... values) {
        DistributionSummary.builder(summary.id)
                .description(summary.description)
                .baseUnit(summary.unit)
                .tags(tags(summary, Metric.Kind.SUMMARY, values))
                .register(registry)
                .record(value);
    }

    /** @param more 0 to let a series begin before there is anything to count */
    public void count(Metric counter, int more, String... values) {
        Counter.builder(counter.id)
                .description(counter.description)
                .baseUnit(counter.unit)
                .tags(tags(counter, Metric.Kind.COUNTER, values))
                .register(registry)
                .increment(more);
    }

    /** @param value asked at every look at the metrics; NaN if it is not known now */
    public void gauge(Metric gauge, Supplier<Number> value, String... values) {
        Gauge.builder(gauge.id, value)
                .description(gauge.description)
                .baseUnit(gauge.unit)
                .tags(tags(gauge, Metric.Kind.GAUGE, values))
                .strongReference(true)
                .register(registry);
    }

    private static Tags tags(Metric metric, Metric.Kind kind, String... values) {
        if (metric.kind != kind || metric.labels.size() != values.length) {
            throw new IllegalArgumentException(metric + " is a " + metric.kind + " with labels " + metric.labels
                    + "; given: " + kind + " with " + values.length);
        }
        Tags tags = Tags.empty();
        for (int i = 0; i < values.length; i++) {
            tags = tags.and(metric.labels.get(i), values[i]);
        }
        return tags;
    }
}
