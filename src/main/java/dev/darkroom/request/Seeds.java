package dev.darkroom.request;

import static dev.darkroom.request.Checks.or;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How many pictures, and the seed of each.
 *
 * @param first seed of the first picture; all of them are from 0 to 2^53 − 1 (exact in JSON)
 * @param count pictures, 1 to {@value #MAX_COUNT}
 */
public record Seeds(
        @JsonProperty("seed") long first, @JsonProperty("n") int count) {

    public static final int MAX_COUNT = 10;
    public static final long MAX_SEED = (1L << 53) - 1;

    /** @throws InvalidRequest naming every field that is out of bounds */
    public Seeds {
        List<Violation> wrong = new ArrayList<>();
        Checks.range(wrong, "n", count, 1, MAX_COUNT);
        long max = MAX_SEED - Math.max(0, Math.min(count, MAX_COUNT) - 1);
        if (first == -1) {
            wrong.add(new Violation(
                    "seed",
                    Rule.OUT_OF_RANGE,
                    "seed must be between 0 and " + max + "; given: -1; leave it out for a random one"));
        } else {
            Checks.range(wrong, "seed", first, 0, max);
        }
        InvalidRequest.throwIfAny(wrong);
    }

    static Seeds of(Draft draft) {
        Long said = draft.seed();
        return new Seeds(said == null ? ThreadLocalRandom.current().nextLong(1L << 32) : said, or(draft.n(), 1));
    }

    /** The seed of picture {@code index}, from 0. */
    public long of(int index) {
        return first + index;
    }
}
