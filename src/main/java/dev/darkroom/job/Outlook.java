package dev.darkroom.job;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What lies before a job that has not ended.
 *
 * @param position 1 for the next one to begin, among those that wait; {@code null} if it does not wait
 * @param end when it will probably have ended; {@code null} while nothing like it has been measured
 */
public record Outlook(@Nullable Integer position, @Nullable Instant end) {

    /** Of a job that has ended, or that nobody looks ahead for. */
    public static final Outlook NONE = new Outlook(null, null);
}
