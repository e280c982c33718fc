package dev.darkroom.job;

import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.observe.Stages;
import dev.darkroom.request.Request;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One worker's hold on one job. What the worker does for the job becomes an {@link Entry} here, to be written by {@link
 * Claims}; the claim ends when its last entry is written, or when it turns out that the job belongs to another claim.
 */
public final class Claim {

    /** What becomes of the job's queue entry. */
    enum Outcome {
        ENDED,
        RELEASED
    }

    private final Paces paces;
    private final Metrics metrics;
    private final Traces traces;
    private final Job job;
    private final long number;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final Map<Integer, Long> steppedAt = new HashMap<>();

    /** Pictures whose rows are in the company; guarded by {@link #steppedAt}. */
    private final Set<Integer> company = new HashSet<>();

    private boolean begun;
    private int rows = 1;
    private double evaluationsPerStep = 1;
    private int recorded;
    private long newestEvent = -1;
    private Traces.@Nullable JobTrace trace; // since its start was written

    Claim(Paces paces, Metrics metrics, Traces traces, Job job, long number) {
        this.paces = paces;
        this.metrics = metrics;
        this.traces = traces;
        this.job = job;
        this.number = number;
        this.recorded = job.images().size();
    }

    public String jobId() {
        return job.id();
    }

    public Request request() {
        return job.request();
    }

    long number() {
        return number;
    }

    long startTag() {
        return job.startTag();
    }

    /** Indices of the pictures that no earlier claim has recorded. */
    public int[] missingImages() {
        return IntStream.range(0, job.request().seeds().count())
                .filter(i -> job.images().stream().noneMatch(image -> image.index() == i))
                .toArray();
    }

    /** Whether there is anything left to do under this claim: it has not ended, and the queue has not taken it back. */
    public boolean isHeld() {
        return !outcome.isDone();
    }

    // What the device's thread tells

    /**
     * To be called before any work is done.
     *
     * @return false if the queue has taken the job back for one that comes first; from now on it does not
     */
    public synchronized boolean begin() {
        begun = true;
        return isHeld();
    }

    /** Whether work on it has been done or is about to be. */
    public synchronized boolean isBegun() {
        return begun;
    }

    /**
     * The job is running from now on; further ones change nothing.
     *
     * @param rows U-Net rows of a picture
     * @param evaluations U-Net evaluations of a row
     */
    public Entry started(int rows, int evaluations) {
        synchronized (steppedAt) {
            this.rows = rows;
            this.evaluationsPerStep =
                    (double) evaluations / job.request().sampling().steps();
        }
        return new Entry.Started(this);
    }

    /**
     * Picture {@code image} has done {@code step} of its {@code steps}.
     *
     * @param preview what it looks like, a JPEG file; null for none
     */
    public Entry step(int image, int step, int steps, byte @Nullable [] preview) {
        return new Entry.Stepped(this, image, step, steps, preview);
    }

    /**
     * As {@link #step}, for what is measured, at the moment it happens.
     *
     * @param last whether it was the picture's last step
     */
    public void stepped(int image, boolean last) {
        long now = System.nanoTime();
        synchronized (steppedAt) {
            if (!outcome.isDone()) { // after that nobody would take its rows out of the company
                Long before = steppedAt.put(image, now);
                if (before == null) {
                    paces.join(kind(), rows);
                    company.add(image);
                } else {
                    paces.stepped(kind(), Duration.ofNanos((long) ((now - before) / evaluationsPerStep)));
                }
                if (last) {
                    leave(image);
                }
            }
        }
        metrics.count(
                Metric.STEPS,
                1,
                job.request().model(),
                job.request().sampling().sampler().id());
    }

    /**
     * A picture is finished and its file stored.
     *
     * @param png the file, in case it has to be stored again
     * @param hash the stored file's name
     * @param stages what was done for it
     */
    public Entry drawn(int image, long seed, byte[] png, String hash, Stages stages) {
        return new Entry.Drawn(this, image, seed, png, hash, stages);
    }

    public Entry failed(FailureCode code, String message) {
        return new Entry.Failed(this, code, message);
    }

    /** The job was stopped because a client asked for it. */
    public Entry canceled() {
        return new Entry.Canceled(this);
    }

    /** The job goes back to the queue, at its old place. */
    public Entry released() {
        return new Entry.Released(this, false);
    }

    /** The device has failed under the job: it goes back to the queue, and this counts as its worker's death. */
    public Entry broken() {
        return new Entry.Released(this, true);
    }

    // What became of it

    /** The worker does not want the job, which has not begun: it goes back to the queue, at its old place. */
    public void giveBack() {
        if (recall()) {
            metrics.count(Metric.RELEASES, 1);
        }
    }

    /** Takes the job back unless it has begun; its entry keeps its place. */
    synchronized boolean recall() {
        return !begun && outcome.complete(Outcome.RELEASED);
    }

    /** The transaction that is about to commit ends with this event of the job. */
    void writes(long event) {
        newestEvent = event;
    }

    /** Whether the job's newest event is the last one that this claim tried to write. */
    boolean wrote(long event) {
        return newestEvent == event;
    }

    /** The entry is in the job's row. */
    void written(Entry entry, Instant now) {
        if (entry instanceof Entry.Started && trace == null) {
            if (job.startedAt() == null) {
                Duration wait = Duration.between(job.createdAt(), now);
                metrics.time(Metric.QUEUE_WAIT, wait.isNegative() ? Duration.ZERO : wait);
            }
            trace = traces.begin(job, now);
        } else if (entry instanceof Entry.Drawn drawn) {
            written(drawn);
        } else if (entry instanceof Entry.Released released) {
            metrics.count(Metric.RELEASES, 1);
            end(Outcome.RELEASED, released.broken ? "abandoned" : "released");
        } else if (entry instanceof Entry.Canceled) {
            end(Outcome.ENDED, "canceled");
        } else if (entry instanceof Entry.Failed) {
            end(Outcome.ENDED, "failed");
        }
    }

    private void written(Entry.Drawn drawn) {
        metrics.count(
                Metric.IMAGES,
                1,
                job.request().model(),
                job.request().sampling().sampler().id());
        if (trace != null) {
            trace.picture(drawn.image, drawn.stages);
        }
        synchronized (steppedAt) {
            Long lastStep = steppedAt.get(drawn.image);
            if (lastStep != null) {
                paces.finished(kind(), Duration.ofNanos(System.nanoTime() - lastStep));
            }
        }
        recorded++;
        if (recorded == job.request().seeds().count()) {
            end(Outcome.ENDED, "succeeded");
        }
    }

    /** The job belongs to another claim, or has ended: what this worker has for it is of no use. */
    void lost() {
        end(Outcome.ENDED, "lost");
    }

    /** Lets go without having written it; the queue shall try again. */
    void abandon(RuntimeException reason) {
        outcome.completeExceptionally(reason);
        leaveAll();
        endTrace("abandoned");
    }

    private void end(Outcome how, String name) {
        outcome.complete(how);
        leaveAll();
        endTrace(name);
    }

    private void endTrace(String how) {
        if (trace != null) {
            trace.ended(how);
            trace = null;
        }
    }

    private void leaveAll() {
        synchronized (steppedAt) {
            List.copyOf(company).forEach(this::leave);
        }
    }

    private void leave(int image) {
        if (company.remove(image)) {
            paces.leave(kind(), rows);
        }
    }

    private Paces.Kind kind() {
        return Paces.Kind.of(job.request());
    }

    /** Waits until the worker is done with the job. */
    Outcome await() throws InterruptedException, ExecutionException {
        return outcome.get();
    }
}
