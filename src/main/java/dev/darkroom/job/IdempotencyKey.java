package dev.darkroom.job;

/**
 * What a client's {@code Idempotency-Key} names: requests with equal ones are the same request, sent again.
 *
 * @param caller whose key it is, at most 200 characters
 * @param key 1 to 255 characters
 * @param request digest of what is asked for, at most 64 characters
 */
public record IdempotencyKey(String caller, String key, String request) {

    /** The key stands for another request already. */
    public static final class Reused extends RuntimeException {

        private static final long serialVersionUID = 1L;

        Reused(String key) {
            super("the Idempotency-Key " + key + " stands for another request already", null, false, false);
        }
    }

    /**
     * An answer that was given first, and is given to every repetition.
     *
     * @param status of HTTP
     * @param body JSON
     */
    public record Answer(int status, String body) {}
}
