package dev.darkroom.observe;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/** When and for how long one picture was in the hands of each stage. For one thread at a time. */
public final class Stages {

    /** What is done for a picture, in this order. */
    public enum Stage {
        /** Its prompts are read. */
        ENCODE,
        /** Its latents are moved, one U-Net call after the other. */
        STEPS,
        /** Its latents become pixels. */
        DECODE,
        /** Its file is made and stored. */
        STORE
    }

    /** From {@code start} to {@code end}, in terms of {@link System#nanoTime}. */
    public record Interval(long start, long end) {}

    private final Map<Stage, Interval> intervals = new EnumMap<>(Stage.class);
    private final Map<Stage, Long> times = new EnumMap<>(Stage.class);

    /**
     * Notes work of a stage; a stage may work several times.
     *
     * @param start when it began, in terms of {@link System#nanoTime}
     * @param pictures so many of the same job had it done together, each of which counts a part of the time
     * @return how long it took
     */
    public Duration add(Stage stage, long start, int pictures) {
        long end = System.nanoTime();
        intervals.merge(
                stage,
                new Interval(start, end),
                (before, now) -> new Interval(before.start, Math.max(before.end, now.end)));
        times.merge(stage, (end - start) / pictures, Long::sum);
        return Duration.ofNanos(end - start);
    }

    /** From the beginning of a stage's first work to the end of its last. */
    public Map<Stage, Interval> intervals() {
        return intervals;
    }

    /** Milliseconds of work. */
    public double millis(Stage stage) {
        return times.getOrDefault(stage, 0L) / 1e6;
    }
}
