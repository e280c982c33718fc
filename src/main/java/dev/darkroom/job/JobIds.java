package dev.darkroom.job;

import java.security.SecureRandom;
import java.time.Instant;

/** Job ids: {@code job_} and 26 letters, 48 bits of milliseconds and 80 random bits in Crockford's base 32 (a ULID). */
final class JobIds {

    private static final String DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
    private static final SecureRandom RANDOM = new SecureRandom();

    private JobIds() {}

    static String at(Instant now) {
        StringBuilder id = new StringBuilder("job_");
        append(id, now.toEpochMilli(), 10);
        append(id, RANDOM.nextLong(), 8);
        append(id, RANDOM.nextLong(), 8);
        return id.toString();
    }

    /** Appends the lowest {@code 5 × digits} bits, highest first. */
    private static void append(StringBuilder id, long bits, int digits) {
        for (int i = digits - 1; i >= 0; i--) {
            id.append(DIGITS.charAt((int) (bits >>> (5 * i)) & 31));
        }
    }
}
