package dev.darkroom.job;

import java.time.Duration;

/** So many jobs wait that no more are taken for now. */
public final class QueueFull extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    QueueFull(int maxQueued, Duration retryAfter) {
        super(maxQueued + " jobs are waiting already, which is the most this server keeps", null, false, false);
        this.retryAfter = retryAfter;
    }

    /** When about a tenth of those that wait will have been drawn, as fast as it went so far. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
