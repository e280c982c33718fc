package dev.darkroom.job;

import java.time.Duration;

/** A caller asks for more than its {@link Quota}. */
public final class QuotaExceeded extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Of what it is too much. */
    public enum Kind {
        OPEN_JOBS,
        PICTURES_PER_DAY
    }

    private final Kind kind;
    private final Duration retryAfter;

    QuotaExceeded(Kind kind, String message, Duration retryAfter) {
        super(message);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }

    public Kind kind() {
        return kind;
    }

    /** When it may be worth to ask again. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
