package dev.darkroom.worker;

import dev.darkroom.job.ClaimLost;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Writes down what happens on a device, in order, on a thread of its own: neither the database nor the encoding of pictures holds
 * up the next step. A job that something cannot be written of is let go; what was to be written of it afterwards is dropped.
 */
final class Recorder {
    private static final Logger log = LoggerFactory.getLogger(Recorder.class);

    /** Then the device waits after all. */
    private static final int MAX_BEHIND = 256;

    private final ThreadPoolExecutor thread;

    Recorder(String name) {
        thread = new ThreadPoolExecutor(
                1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(MAX_BEHIND), work -> new Thread(work, name));
        thread.setRejectedExecutionHandler((work, executor) -> {
            try {
                executor.getQueue().put(work);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while the database is behind", e);
            }
        });
    }

    void record(Held job, Runnable write) {
        thread.execute(() -> {
            if (job.lost) {
                return;
            }
            try (MDC.MDCCloseable id = MDC.putCloseable(Held.JOB_ID, job.claim.jobId())) {
                write.run();
            } catch (RuntimeException | Error e) {
                if (e instanceof ClaimLost) {
                    log.info("Let go of a job: {}", e.getMessage());
                } else {
                    log.warn(
                            "Job {} is let go and tried again: what became of it cannot be recorded",
                            job.claim.jobId(),
                            e);
                }
                job.lost = true;
                job.claim.abandon(e instanceof RuntimeException failure ? failure : new IllegalStateException(e));
            }
        });
    }

    /** Waits until everything is written. */
    void close() {
        thread.shutdown();
        boolean interrupted = false;
        while (true) {
            try {
                if (thread.awaitTermination(1, TimeUnit.MINUTES)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
