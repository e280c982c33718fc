package dev.darkroom.job;

import dev.darkroom.blobs.ImageStoreUnavailable;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessResourceUsageException;
import org.springframework.transaction.TransactionException;

/** Tries again while the database or the store of pictures does not answer, which may be restarting or full. */
final class Patience {

    private static final Logger log = LoggerFactory.getLogger(Patience.class);

    private static final Duration AT_MOST = Duration.ofSeconds(20);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    private Patience() {}

    /** For as long as a queue entry lives without heartbeats. @param work must bear being done twice */
    static void insist(Runnable work) {
        insist(() -> {
            work.run();
            return true;
        });
    }

    /** For as long as a queue entry lives without heartbeats. @param work must bear being done twice */
    static <T> T insist(Supplier<T> work) {
        long start = System.nanoTime();
        return insist(() -> System.nanoTime() - start < AT_MOST.toNanos(), work);
    }

    /**
     * @param wanted whether to go on trying; asked after each failure
     * @param work must bear being done twice, since a commit may go through unacknowledged
     */
    static <T> T insist(BooleanSupplier wanted, Supplier<T> work) {
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                return work.get();
            } catch (DataAccessException | TransactionException | ImageStoreUnavailable e) {
                if (!mayPass(e) || Thread.currentThread().isInterrupted() || !wanted.getAsBoolean()) {
                    throw e;
                }
                log.debug("The database or the store of pictures does not answer; trying again", e);
                LockSupport.parkNanos(pause.toNanos());
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            }
        }
    }

    static boolean mayPass(RuntimeException e) {
        return (e instanceof DataAccessException
                        || e instanceof TransactionException
                        || e instanceof ImageStoreUnavailable)
                && !(e instanceof DataIntegrityViolationException)
                && !(e instanceof InvalidDataAccessResourceUsageException);
    }
}
