package dev.darkroom.job;

import dev.darkroom.blobs.ImageStoreUnavailable;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.core.retry.RetryPolicy;
import org.springframework.core.retry.RetryTemplate;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessResourceUsageException;
import org.springframework.transaction.TransactionException;

/** Tries again while the database or the store of pictures does not answer, which may be restarting or full. */
final class Retries {

    private static final Duration AT_MOST = Duration.ofSeconds(20);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    private Retries() {}

    /** For as long as a queue entry lives without heartbeats. @param work must bear being done twice */
    static void insist(Runnable work) {
        insist(() -> {
            work.run();
            return true;
        });
    }

    /** For as long as a queue entry lives without heartbeats. @param work must bear being done twice */
    static <T extends @Nullable Object> T insist(Supplier<T> work) {
        long start = System.nanoTime();
        return insist(() -> System.nanoTime() - start < AT_MOST.toNanos(), work);
    }

    /**
     * @param wanted whether to go on trying; asked after each failure
     * @param work must bear being done twice, since a commit may go through unacknowledged
     */
    static <T extends @Nullable Object> T insist(BooleanSupplier wanted, Supplier<T> work) {
        return new RetryTemplate(RetryPolicy.builder()
                        .maxRetries(Long.MAX_VALUE)
                        .delay(FIRST_PAUSE)
                        .multiplier(2)
                        .maxDelay(LONGEST_PAUSE)
                        .predicate(e -> mayPass(e) && wanted.getAsBoolean())
                        .build())
                .invoke(work);
    }

    static boolean mayPass(Throwable e) {
        return (e instanceof DataAccessException
                        || e instanceof TransactionException
                        || e instanceof ImageStoreUnavailable)
                && !(e instanceof DataIntegrityViolationException)
                && !(e instanceof InvalidDataAccessResourceUsageException);
    }
}
