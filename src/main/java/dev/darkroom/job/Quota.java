package dev.darkroom.job;

import org.jspecify.annotations.Nullable;

/**
 * How much one caller may ask for, whichever process it asks.
 *
 * @param openJobs jobs that have not ended, at least 1; null for any number
 * @param picturesPerDay pictures asked for in one day in UTC, at least 1, drawn or not; null for any number
 */
public record Quota(@Nullable Integer openJobs, @Nullable Integer picturesPerDay) {

    public static final Quota NONE = new Quota(null, null);

    public Quota {
        if (openJobs != null && openJobs < 1) {
            throw new IllegalArgumentException("the open jobs of a quota must be at least 1; given: " + openJobs);
        }
        if (picturesPerDay != null && picturesPerDay < 1) {
            throw new IllegalArgumentException(
                    "the pictures per day of a quota must be at least 1; given: " + picturesPerDay);
        }
    }
}
