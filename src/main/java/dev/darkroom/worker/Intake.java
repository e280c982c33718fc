package dev.darkroom.worker;

import dev.darkroom.job.Claim;
import dev.darkroom.job.JobQueue;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs that the queue has handed to this process, for its devices: each goes to the one with the least to do. Cancellations
 * are looked for here, so the devices' threads never ask the database.
 */
final class Intake {
    private static final Logger log = LoggerFactory.getLogger(Intake.class);

    /** So often cancellations are looked for while there are jobs. */
    private static final Duration INTERVAL = Duration.ofMillis(100);

    private final JobQueue queue;
    private final ToIntFunction<Claim> rowsOf;
    private final int enough;
    private final Deque<Claim> waiting = new ArrayDeque<>();
    private final Map<Object, Integer> rows = new LinkedHashMap<>(); // of each device that takes jobs
    private boolean closed;
    private volatile Set<String> canceled = Set.of();

    /**
     * @param rowsOf U-Net rows of all pictures of a job that are still to be drawn
     * @param enough a device with so many rows, on it or waiting, leaves further jobs to the others
     */
    Intake(JobQueue queue, ToIntFunction<Claim> rowsOf, int enough) {
        this.queue = queue;
        this.rowsOf = rowsOf;
        this.enough = enough;
    }

    /** A job for whichever device is next. */
    synchronized void add(Claim job) {
        if (closed) {
            job.giveBack();
        } else {
            waiting.add(job);
            notifyAll();
        }
    }

    /** Looks for cancellations as long as {@code goingOn}. */
    void watch(BooleanSupplier goingOn) throws InterruptedException {
        while (goingOn.getAsBoolean()) {
            TimeUnit.NANOSECONDS.sleep(INTERVAL.toNanos());
            canceled = isIdle() ? Set.of() : cancelRequests();
        }
    }

    private synchronized boolean isIdle() {
        return waiting.isEmpty() && rows.values().stream().allMatch(n -> n == 0);
    }

    private Set<String> cancelRequests() {
        try {
            return queue.cancelRequests();
        } catch (RuntimeException e) {
            log.warn("Jobs to be canceled go on until the database answers again: {}", e.getMessage());
            return canceled;
        }
    }

    /** Ids of running jobs that clients want stopped. */
    Set<String> canceled() {
        return canceled;
    }

    synchronized void join(Object device) {
        rows.put(device, 0);
    }

    /** The device takes no more jobs. */
    synchronized void leave(Object device) {
        rows.remove(device);
        notifyAll();
    }

    /**
     * The jobs that are for a device now.
     *
     * @param busyRows rows that it has, on it or waiting
     * @param atMost how long to wait if there is none
     */
    synchronized List<Claim> take(Object device, int busyRows, Duration atMost) throws InterruptedException {
        rows.put(device, busyRows);
        long end = System.nanoTime() + atMost.toNanos();
        List<Claim> taken = take(device);
        for (long left = atMost.toMillis(); taken.isEmpty() && left > 0; left = (end - System.nanoTime()) / 1_000_000) {
            wait(left);
            taken = take(device);
        }
        return taken;
    }

    private List<Claim> take(Object device) {
        List<Claim> taken = new ArrayList<>();
        waiting.removeIf(job -> !job.isHeld());
        while (!waiting.isEmpty() && isNext(device)) {
            Claim job = waiting.remove();
            taken.add(job);
            rows.merge(device, rowsOf.applyAsInt(job), Integer::sum);
        }
        if (!taken.isEmpty() && !waiting.isEmpty()) {
            notifyAll(); // the next one is another's
        }
        return taken;
    }

    private boolean isNext(Object device) {
        int mine = rows.getOrDefault(device, Integer.MAX_VALUE);
        return mine < enough && rows.entrySet().stream().allMatch(other -> other.getValue() >= mine);
    }

    /** Those that no device has taken go back, and so do all that come. */
    synchronized void close() {
        closed = true;
        waiting.forEach(Claim::giveBack);
        waiting.clear();
    }
}
