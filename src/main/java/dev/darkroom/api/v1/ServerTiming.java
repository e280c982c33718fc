package dev.darkroom.api.v1;

import dev.darkroom.job.Job;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** The {@code Server-Timing} header (W3C) of answers about jobs that have ended. */
final class ServerTiming {

    static final String HEADER = "Server-Timing";

    private ServerTiming() {}

    /**
     * Milliseconds: {@code queue} until it began last, and what {@code encode}, {@code steps}, {@code decode} and {@code store} took
     * for its pictures together.
     */
    static String of(Job job) {
        Instant left = job.startedAt() != null ? job.startedAt() : job.finishedAt();
        double queue = left == null
                ? 0
                : Math.max(0, Duration.between(job.createdAt(), left).toNanos() / 1e6);
        Job.Times times = job.times();
        return String.format(
                Locale.ROOT,
                "queue;dur=%.1f, encode;dur=%.1f, steps;dur=%.1f, decode;dur=%.1f, store;dur=%.1f",
                queue,
                times.encode(),
                times.steps(),
                times.decode(),
                times.store());
    }
}
