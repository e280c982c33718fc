package dev.darkroom.library.hub;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** An attempt failed in a way that another one may not. */
final class TryAgain extends Exception {
    private static final long serialVersionUID = 1L;

    private final Duration after;

    TryAgain(String message) {
        this(message, Duration.ZERO, null);
    }

    TryAgain(String message, Duration after, @Nullable Throwable cause) {
        super(message, cause);
        this.after = after;
    }

    /** What the server asked to wait; zero if it did not. */
    Duration after() {
        return after;
    }
}
