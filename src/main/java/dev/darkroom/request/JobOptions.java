package dev.darkroom.request;

import dev.darkroom.request.InvalidRequest.Violation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a job is to be treated, whatever it draws; valid by construction.
 *
 * @param priority its share of the devices
 * @param expiresIn the job fails if it has not ended within this time, 1 second to {@value #MAX_EXPIRES_IN} seconds;
 *     {@code null} if it may take any time
 */
public record JobOptions(Priority priority, @Nullable Duration expiresIn) {

    public static final int MAX_EXPIRES_IN = 7 * 24 * 60 * 60;

    public static final JobOptions DEFAULT = new JobOptions(Priority.NORMAL, null);

    /** @throws InvalidRequest if the time is out of bounds */
    public JobOptions {
        List<Violation> wrong = new ArrayList<>();
        if (expiresIn != null) {
            checkExpiry(wrong, expiresIn.toSeconds());
        }
        InvalidRequest.throwIfAny(wrong);
    }

    /**
     * What a client said; {@code null} means "not said".
     *
     * @param expiresIn seconds
     * @throws InvalidRequest naming every field that is wrong
     */
    public static JobOptions of(@Nullable String priority, @Nullable Integer expiresIn) {
        List<Violation> wrong = new ArrayList<>();
        Priority chosen = DEFAULT.priority;
        if (priority != null) {
            chosen = Priority.of(priority).orElse(null);
            if (chosen == null) {
                wrong.add(new Violation(
                        "priority",
                        Rule.UNKNOWN_PRIORITY,
                        "priority must be one of " + String.join(", ", Priority.ids()) + "; given: \"" + priority
                                + "\""));
            }
        }
        if (expiresIn != null) {
            checkExpiry(wrong, expiresIn);
        }
        InvalidRequest.throwIfAny(wrong);
        return new JobOptions(
                chosen == null ? DEFAULT.priority : chosen, expiresIn == null ? null : Duration.ofSeconds(expiresIn));
    }

    private static void checkExpiry(List<Violation> wrong, long seconds) {
        if (seconds < 1 || seconds > MAX_EXPIRES_IN) {
            wrong.add(InvalidRequest.outOfRange("expires_in", 1, MAX_EXPIRES_IN, seconds));
        }
    }
}
