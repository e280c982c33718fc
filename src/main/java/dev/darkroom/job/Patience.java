package dev.darkroom.job;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessResourceUsageException;
import org.springframework.transaction.TransactionException;

/** Tries again while the database does not answer, which may be restarting, for as long as a claim lives without it. */
final class Patience {

    private static final Logger log = LoggerFactory.getLogger(Patience.class);

    private static final Duration AT_MOST = Duration.ofSeconds(20);
    private static final Duration PAUSE = Duration.ofMillis(200);

    private Patience() {}

    /** @param work must bear being done twice, since a commit may go through unacknowledged */
    static void insist(Runnable work) {
        insist(() -> {
            work.run();
            return true;
        });
    }

    /** @param work must bear being done twice, since a commit may go through unacknowledged */
    static <T> T insist(Supplier<T> work) {
        long start = System.nanoTime();
        while (true) {
            try {
                return work.get();
            } catch (DataAccessException | TransactionException | ImageStoreUnavailable e) {
                if (!mayPass(e)
                        || Thread.currentThread().isInterrupted()
                        || System.nanoTime() - start > AT_MOST.toNanos()) {
                    throw e;
                }
                log.debug("The database or the store of pictures does not answer; trying again", e);
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    private static boolean mayPass(RuntimeException e) {
        return !(e instanceof DataIntegrityViolationException)
                && !(e instanceof InvalidDataAccessResourceUsageException);
    }
}
