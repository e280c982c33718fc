package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.ExecutionContext;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;

/**
 * Where workers get their jobs. Underneath is db-scheduler: each job has one entry in its table; one of its threads
 * picks the entry, hands the job out as a {@link Claim} and stays with it until the worker is done, so that every held
 * job is heartbeated.
 */
@Component
@ConditionalOnProperty(name = "db-scheduler.enabled", matchIfMissing = true)
public class JobQueue {

    private static final Logger log = LoggerFactory.getLogger(JobQueue.class);

    /** Time for those that find a free thread. */
    private static final Duration RECALL_AFTER = Duration.ofMillis(20);

    private final JobStore store;
    private final Paces paces;
    private final Metrics metrics;
    private final Traces traces;
    private final Scheduler scheduler;
    private final BlockingQueue<Claim> handedOut = new LinkedBlockingQueue<>();
    private final Set<Claim> held = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService recalls =
            Executors.newSingleThreadScheduledExecutor(new CustomizableThreadFactory("recall-"));
    private final AtomicBoolean recallPlanned = new AtomicBoolean();
    private volatile boolean closed;

    JobQueue(JobStore store, Paces paces, Metrics metrics, Traces traces, JobEvents events, Scheduler scheduler) {
        this.store = store;
        this.paces = paces;
        this.metrics = metrics;
        this.traces = traces;
        this.scheduler = scheduler;
        metrics.count(Metric.RELEASES, 0);
        metrics.gauge(Metric.HELD_JOBS, held::size);
        events.onArrival(() -> {
            scheduler.triggerCheckForDueExecutions();
            planRecall();
        });
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

    /** Ids of running jobs that clients want stopped; none while the database does not answer. */
    public Set<String> cancelRequests() {
        try {
            return store.cancelRequests();
        } catch (DataAccessException e) {
            log.warn("The database does not say which jobs to stop: {}", e.getMessage());
            return Set.of();
        }
    }

    /** Hands out jobs, again after {@link #close}. */
    public void open() {
        closed = false;
        scheduler.resume();
    }

    /** Hands out no more jobs; those that nobody has taken go back. */
    public void close() {
        scheduler.pause();
        closed = true;
        giveBack();
    }

    /** Gives back what a worker that does not get to it still holds; what it writes afterwards is refused. */
    public void releaseHeld() {
        for (Claim claim : held) {
            try {
                if (claim.isHeld()) {
                    claim.release();
                }
            } catch (RuntimeException e) {
                log.warn("Job {} cannot be given back; it is tried again: {}", claim.jobId(), e.getMessage());
                claim.abandon(e);
            }
        }
    }

    /** Runs on a thread of db-scheduler for a picked entry. */
    CompletionHandler<Void> hold(TaskInstance<Void> entry, ExecutionContext context)
            throws InterruptedException, ExecutionException {
        long version = context.getExecution().version;
        Optional<Claim> claim = Patience.insist(() -> store.claim(entry.getId(), version))
                .map(job -> new Claim(store, paces, metrics, traces, job, version));
        if (claim.isEmpty()) {
            return insisting(new CompletionHandler.OnCompleteRemove<>());
        }
        held.add(claim.get());
        try {
            handedOut.add(claim.get());
            if (closed) {
                giveBack();
            }
            return insisting(
                    switch (claim.get().await()) {
                        case ENDED -> new CompletionHandler.OnCompleteRemove<Void>();
                        case RELEASED ->
                            (complete, entries) -> entries.reschedule(complete, complete.getExecution().executionTime);
                    });
        } finally {
            held.remove(claim.get());
        }
    }

    private void planRecall() {
        if (!closed && !held.isEmpty() && recallPlanned.compareAndSet(false, true)) {
            recalls.schedule(this::recall, RECALL_AFTER.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Jobs that are held here and not begun make room for those in the queue that come before them. */
    private void recall() {
        recallPlanned.set(false);
        List<Claim> lastFirst = held.stream()
                .filter(claim -> !claim.isBegun())
                .sorted(Comparator.comparingLong(Claim::startTag).reversed())
                .toList();
        if (lastFirst.isEmpty()) {
            return;
        }
        try {
            List<Long> waiting = store.waitingTags(lastFirst.size());
            for (int i = 0;
                    i < waiting.size() && waiting.get(i) < lastFirst.get(i).startTag();
                    i++) {
                lastFirst.get(i).recall();
            }
        } catch (DataAccessException e) {
            log.debug("Whether other jobs come first cannot be told", e);
        }
    }

    @PreDestroy
    void stopRecalls() {
        recalls.shutdownNow();
    }

    /** An entry that cannot be let go for a moment would be let go by missed heartbeats only. */
    private static CompletionHandler<Void> insisting(CompletionHandler<Void> completion) {
        return (complete, entries) -> Patience.insist(() -> completion.complete(complete, entries));
    }

    private void giveBack() {
        List<Claim> left = new ArrayList<>();
        handedOut.drainTo(left);
        left.forEach(Claim::release);
    }
}
