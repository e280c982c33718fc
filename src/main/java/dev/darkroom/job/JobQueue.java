package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceCurrentlyExecutingException;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceNotFoundException;
import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.ExecutionContext;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.TaskInstanceId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/**
 * Where workers get their jobs. Underneath is db-scheduler: each job has one entry in its table; one of its threads
 * picks the entry, hands the job out as a {@link Claim} and stays with it until the worker is done, so that every held
 * job is heartbeated.
 */
@Component
public class JobQueue {

    static final String TASK = "draw";

    private final JobStore store;
    private final Scheduler scheduler;
    private final BlockingQueue<Claim> handedOut = new LinkedBlockingQueue<>();
    private volatile boolean closed;

    JobQueue(JobStore store, Scheduler scheduler) {
        this.store = store;
        this.scheduler = scheduler;
    }

    /**
     * Takes all jobs that are there for a worker, waiting for the first one.
     *
     * @param atMost how long to wait; the list is empty when nothing came
     */
    public List<Claim> take(Duration atMost) throws InterruptedException {
        List<Claim> taken = new ArrayList<>();
        Claim first = handedOut.poll(atMost.toNanos(), TimeUnit.NANOSECONDS);
        if (first != null) {
            taken.add(first);
            handedOut.drainTo(taken);
        }
        return taken;
    }

    /** Ids of running jobs that clients want stopped. */
    public Set<String> cancelRequests() {
        return store.cancelRequests();
    }

    /** Hands out no more jobs; those that nobody has taken go back. */
    public void close() {
        scheduler.pause();
        closed = true;
        giveBack();
    }

    /** Adds an entry for the job, in the caller's transaction. */
    void add(String jobId) {
        scheduler.schedule(new TaskInstance<>(TASK, jobId), Instant.now());
    }

    /** Looks for due entries at once; called after the commit that added one. */
    void wake() {
        scheduler.triggerCheckForDueExecutions();
    }

    /** Removes the job's entry unless a claim holds it, which removes it at its end. */
    void remove(String jobId) {
        try {
            scheduler.cancel(TaskInstanceId.of(TASK, jobId));
        } catch (TaskInstanceCurrentlyExecutingException | TaskInstanceNotFoundException e) {
            // Its claim is about to notice that the job has ended, or already did.
        }
    }

    /** Runs on a thread of db-scheduler for a picked entry. */
    CompletionHandler<Void> hold(TaskInstance<Void> entry, ExecutionContext context)
            throws InterruptedException, ExecutionException {
        long version = context.getExecution().version;
        Optional<Claim> claim = store.claim(entry.getId(), version).map(job -> new Claim(store, job, version));
        if (claim.isEmpty()) {
            return new CompletionHandler.OnCompleteRemove<>();
        }
        handedOut.add(claim.get());
        if (closed) {
            giveBack();
        }
        return switch (claim.get().await()) {
            case ENDED -> new CompletionHandler.OnCompleteRemove<>();
            case RELEASED -> (complete, entries) -> entries.reschedule(complete, complete.getExecution().executionTime);
        };
    }

    private void giveBack() {
        List<Claim> left = new ArrayList<>();
        handedOut.drainTo(left);
        left.forEach(Claim::release);
    }
}
