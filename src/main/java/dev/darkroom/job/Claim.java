package dev.darkroom.job;

import dev.darkroom.spec.ImageSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One worker's hold on one job. Everything it writes is refused with {@link ClaimLost} once the job belongs to another
 * claim or has ended; while the database does not answer, it is tried again for as long as a claim lives without it, so
 * these methods may block for seconds. For one thread. Exactly one of {@link #image} with the last picture, {@link #fail}, {@link #cancel}, {@link
 * #release} and {@link #abandon} ends it.
 */
public final class Claim {

    /** What becomes of the job's queue entry. */
    enum Outcome {
        ENDED,
        RELEASED
    }

    private final JobStore store;
    private final Paces paces;
    private final Metrics metrics;
    private final Traces traces;
    private final Job job;
    private final long number;
    private final int rows;
    private final Map<Integer, Long> steppedAt = new HashMap<>();
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private int missing;
    private boolean begun;
    private Traces.@Nullable JobTrace trace; // since it was started

    Claim(JobStore store, Paces paces, Metrics metrics, Traces traces, Job job, long number) {
        this.store = store;
        this.paces = paces;
        this.metrics = metrics;
        this.traces = traces;
        this.rows = job.spec().guidanceScale() > 1 ? 2 : 1;
        this.job = job;
        this.number = number;
        this.missing = job.spec().n() - job.images().size();
    }

    public String jobId() {
        return job.id();
    }

    public ImageSpec spec() {
        return job.spec();
    }

    /** Indices of the pictures that no earlier claim has recorded. */
    public int[] missingImages() {
        return IntStream.range(0, job.spec().n())
                .filter(i -> job.images().stream().noneMatch(image -> image.index() == i))
                .toArray();
    }

    /** Whether there is anything left to do under this claim: it has not ended, and the queue has not taken it back. */
    public boolean isHeld() {
        return !outcome.isDone();
    }

    /**
     * To be called before any work is done.
     *
     * @return false if the queue has taken the job back for one that comes first; from now on it does not
     */
    public synchronized boolean begin() {
        begun = true;
        return isHeld();
    }

    /** The job is running from now on; further calls do nothing. */
    public void start() {
        if (trace == null) {
            outcome.whenComplete(
                    (ending, reason) -> List.copyOf(steppedAt.keySet()).forEach(this::leave));
            Instant now = Patience.insist(() -> store.start(job.id(), number));
            if (job.startedAt() == null) {
                metrics.time(Metric.QUEUE_WAIT, Duration.between(job.createdAt(), now));
            }
            trace = traces.begin(job, now);
        }
    }

    /** Takes the job back unless it has begun; its entry keeps its place. */
    synchronized void recall() {
        if (!begun) {
            outcome.complete(Outcome.RELEASED);
        }
    }

    /** Whether work on it has been done or is about to be. */
    public synchronized boolean isBegun() {
        return begun;
    }

    long startTag() {
        return job.startTag();
    }

    /**
     * Picture {@code image} has done {@code step} of its {@code steps}.
     *
     * @param preview what it looks like, a JPEG file; null for none
     */
    public void step(int image, int step, int steps, byte @Nullable [] preview) {
        long now = System.nanoTime();
        Long before = steppedAt.put(image, now);
        if (before == null) {
            paces.join(kind(), rows);
        } else {
            paces.stepped(kind(), Duration.ofNanos(now - before));
        }
        metrics.count(Metric.STEPS, 1, job.spec().model(), job.spec().sampler().id());
        Patience.insist(() -> store.step(job.id(), number, image, step, steps, preview));
    }

    /**
     * Records a finished picture.
     *
     * @param stages what was done for it; storing it is added
     * @return whether it was the last one, with which the job has succeeded
     */
    public boolean image(int index, long seed, byte[] png, Stages stages) {
        Long lastStep = steppedAt.get(index);
        long start = System.nanoTime();
        Patience.insist(() -> store.image(job.id(), number, index, seed, png, stages));
        metrics.time(Metric.STORE, stages.add(Stages.Stage.STORE, start, 1));
        metrics.count(Metric.IMAGES, 1, job.spec().model(), job.spec().sampler().id());
        if (trace != null) {
            trace.picture(index, stages);
        }
        if (lastStep != null) {
            paces.finished(kind(), Duration.ofNanos(System.nanoTime() - lastStep));
            leave(index);
        }
        missing--;
        if (missing == 0) {
            end(Outcome.ENDED, "succeeded");
        }
        return missing == 0;
    }

    public void fail(FailureCode code, String message) {
        Patience.insist(() -> store.fail(job.id(), number, code, message));
        end(Outcome.ENDED, "failed");
    }

    /** The job was stopped because a client asked for it. */
    public void cancel() {
        Patience.insist(() -> store.canceled(job.id(), number));
        end(Outcome.ENDED, "canceled");
    }

    /** Gives the job back to the queue, at its old place. */
    public void release() {
        store.release(job.id(), number);
        metrics.count(Metric.RELEASES, 1);
        end(Outcome.RELEASED, "released");
    }

    /** Lets go without writing: the claim is lost, or the database does not answer and the queue shall try again. */
    public void abandon(RuntimeException reason) {
        if (reason instanceof ClaimLost) {
            end(Outcome.ENDED, "lost");
        } else {
            outcome.completeExceptionally(reason);
            endTrace("abandoned");
        }
    }

    private void end(Outcome how, String name) {
        outcome.complete(how);
        endTrace(name);
    }

    private void endTrace(String outcome) {
        if (trace != null) {
            trace.ended(outcome);
        }
    }

    private void leave(int image) {
        if (steppedAt.remove(image) != null) {
            paces.leave(kind(), rows);
        }
    }

    private Paces.Kind kind() {
        return Paces.Kind.of(job.spec());
    }

    /** Waits until the worker is done with the job. */
    Outcome await() throws InterruptedException, ExecutionException {
        return outcome.get();
    }
}
