package dev.darkroom.job;

import dev.darkroom.spec.ImageSpec;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One worker's hold on one job. Everything it writes is refused with {@link ClaimLost} once the job belongs to another
 * claim or has ended. Exactly one of {@link #image} with the last picture, {@link #fail}, {@link #cancel}, {@link
 * #release} and {@link #abandon} ends it.
 */
public final class Claim {

    /** What becomes of the job's queue entry. */
    enum Outcome {
        ENDED,
        RELEASED
    }

    private final JobStore store;
    private final Job job;
    private final long number;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private int missing;
    private boolean started;

    Claim(JobStore store, Job job, long number) {
        this.store = store;
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

    /** The job is running from now on; further calls do nothing. */
    public void start() {
        if (!started) {
            store.start(job.id(), number);
            started = true;
        }
    }

    /**
     * Picture {@code image} has done {@code step} of its {@code steps}.
     *
     * @param preview what it looks like, a JPEG file; null for none
     */
    public void step(int image, int step, int steps, byte @Nullable [] preview) {
        store.step(job.id(), number, image, step, steps, preview);
    }

    /**
     * Records a finished picture.
     *
     * @return whether it was the last one, with which the job has succeeded
     */
    public boolean image(int index, long seed, byte[] png) {
        store.image(job.id(), number, index, seed, png);
        missing--;
        if (missing == 0) {
            outcome.complete(Outcome.ENDED);
        }
        return missing == 0;
    }

    public void fail(FailureCode code, String message) {
        store.fail(job.id(), number, code, message);
        outcome.complete(Outcome.ENDED);
    }

    /** The job was stopped because a client asked for it. */
    public void cancel() {
        store.canceled(job.id(), number);
        outcome.complete(Outcome.ENDED);
    }

    /** Gives the job back to the queue, at its old place. */
    public void release() {
        store.release(job.id(), number);
        outcome.complete(Outcome.RELEASED);
    }

    /** Lets go without writing: the claim is lost, or the database does not answer and the queue shall try again. */
    public void abandon(RuntimeException reason) {
        if (reason instanceof ClaimLost) {
            outcome.complete(Outcome.ENDED);
        } else {
            outcome.completeExceptionally(reason);
        }
    }

    /** Waits until the worker is done with the job. */
    Outcome await() throws InterruptedException, ExecutionException {
        return outcome.get();
    }
}
