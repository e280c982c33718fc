package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.Execution;
import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.ExecutionContext;
import com.github.kagkarlsson.scheduler.task.ExecutionOperations;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import dev.darkroom.fleet.Models;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.request.UnreadableRow;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;

/**
 * Where workers get their jobs. Underneath is db-scheduler: each job has one entry in its table; one of its threads
 * picks the entry, hands the job out as a {@link Claim} and stays with it until the worker is done, so that every held
 * job is heartbeated.
 */
@Component
public class JobQueue {

    private static final Logger log = LoggerFactory.getLogger(JobQueue.class);

    /** Time for those that find a free thread. */
    private static final Duration RECALL_AFTER = Duration.ofMillis(20);

    /** The safety net: a posted job wakes the queue at once. */
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    /** A process is dead when so many and two more heartbeats are missing. */
    private static final int MISSED_HEARTBEATS = 4;

    /** A thread that is free gets the next job at once, and no job is picked that has no thread, as nobody would heartbeat it. */
    private static final double[] THREADS_TO_FILL = {0.99, 1.0};

    private static final int FAILURES_IN_A_ROW = 3;
    private static final Duration TRY_AGAIN_AFTER = Duration.ofSeconds(5);

    /** So often a job that this version cannot read is left to other workers, which may be of a newer one. */
    private static final int TIMES_LEFT_TO_OTHERS = 60;

    private final ClaimStore store;
    private final Claims claims;
    private final Models models;
    private final Paces paces;
    private final Metrics metrics;
    private final Traces traces;
    private final JobEvents events;
    private final DataSource database;
    private final boolean ownDatabase;
    private final DatabaseClock clock;
    private final JobSettings settings;

    private final Set<Claim> held = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService recalls =
            Executors.newSingleThreadScheduledExecutor(new CustomizableThreadFactory("recall-"));
    private final AtomicBoolean recallPlanned = new AtomicBoolean();
    private volatile @Nullable Scheduler scheduler;
    private volatile boolean closed = true;
    private volatile Consumer<Claim> worker = Claim::giveBack;

    JobQueue(
            ClaimStore store,
            Claims claims,
            Models models,
            Paces paces,
            Metrics metrics,
            Traces traces,
            JobEvents events,
            DataSource database,
            JdbcConnectionDetails details,
            DatabaseClock clock,
            JobSettings settings) {
        this.store = store;
        this.claims = claims;
        this.models = models;
        this.paces = paces;
        this.metrics = metrics;
        this.traces = traces;
        this.events = events;
        this.database = database;
        this.ownDatabase = JobConfiguration.isH2(details);
        this.clock = clock;
        this.settings = settings;
        metrics.count(Metric.RELEASES, 0);
        metrics.gauge(Metric.HELD_JOBS, held::size);
        events.onArrival(() -> {
            Scheduler running = scheduler;
            if (running != null) {
                running.triggerCheckForDueExecutions();
                planRecall();
            }
        });
    }

    /**
     * Hands out jobs.
     *
     * @param jobs so many at a time at most: those on the devices, and those that are next to be there
     * @param worker takes them, on any thread, or gives them back
     */
    public void open(int jobs, Consumer<Claim> worker) {
        var builder = Scheduler.create(database, task())
                .threads(jobs)
                .schedulerName(new SchedulerName.Fixed(
                        "darkroom-" + ProcessHandle.current().pid() + "-"
                                + UUID.randomUUID().toString().substring(0, 8)))
                .clock(clock)
                .heartbeatInterval(settings.heartbeat())
                .missedHeartbeatsLimit(MISSED_HEARTBEATS)
                .pollingInterval(LOOK_EVERY)
                .shutdownMaxWait(Duration.ofSeconds(5));
        Scheduler opened = (ownDatabase
                        ? builder.pollUsingFetchAndLockOnExecute(THREADS_TO_FILL[0], THREADS_TO_FILL[1])
                        : builder.pollUsingLockAndFetch(THREADS_TO_FILL[0], THREADS_TO_FILL[1]))
                .build();
        this.worker = worker;
        closed = false;
        scheduler = opened;
        opened.start();
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

    /** Hands out no more jobs. */
    public void close() {
        Scheduler running = scheduler;
        if (running != null) {
            running.pause();
        }
        closed = true;
    }

    /**
     * Gives back what a worker that does not get to it still holds; what it writes afterwards is refused. Nothing is handed out
     * until the queue is opened again.
     *
     * @param atMost how long a database that is away is waited for
     */
    public void end(Duration atMost) {
        List<Entry> released =
                held.stream().filter(Claim::isHeld).map(Claim::released).toList();
        if (!released.isEmpty()) {
            claims.writeNow(released, atMost);
        }
        Scheduler running = scheduler;
        if (running != null) {
            scheduler = null;
            running.stop();
        }
    }

    /**
     * An entry whose claim was lost or failed keeps its execution time and so its place in the queue; only after several
     * failures in a row it waits a little behind all others.
     */
    private Task<Void> task() {
        return Tasks.custom(QueueEntries.TASK, Void.class)
                .onFailure((complete, entries) -> {
                    Execution execution = complete.getExecution();
                    Instant next = execution.consecutiveFailures < FAILURES_IN_A_ROW
                            ? execution.executionTime
                            : complete.getTimeDone().plus(TRY_AGAIN_AFTER);
                    Retries.insist(() -> entries.reschedule(complete, next));
                })
                .onDeadExecution(this::found)
                .execute((entry, context) -> {
                    try {
                        return hold(entry, context);
                    } catch (InterruptedException | ExecutionException e) {
                        throw new IllegalStateException("job " + entry.getId() + " was let go and is tried again", e);
                    }
                });
    }

    /**
     * An entry's heartbeats are missing. After the database was away, or this process was stopped, that says nothing yet: those
     * who live are given the time to be heard again.
     */
    private void found(ExecutionComplete complete, ExecutionOperations<Void> entries) {
        Execution execution = complete.getExecution();
        String id = execution.getId();
        if (clock.steadyFor().compareTo(settings.heartbeat().multipliedBy(MISSED_HEARTBEATS - 1)) < 0
                || held.stream().anyMatch(claim -> claim.jobId().equals(id) && claim.number() == execution.version)) {
            log.info("Job {} has missed heartbeats, as the database was away; its worker is given time", id);
            return;
        }
        if (store.died(id, execution.version)) {
            log.warn("The worker of job {} has died; the job goes on with another", id);
        }
        entries.reschedule(complete, execution.executionTime);
        events.heard(id, JobEvent.Type.QUEUED);
    }

    /** Runs on a thread of db-scheduler for a picked entry. */
    private CompletionHandler<Void> hold(TaskInstance<Void> entry, ExecutionContext context)
            throws InterruptedException, ExecutionException {
        long version = context.getExecution().version;
        Optional<Job> job = Retries.insist(() -> store.claim(entry.getId(), version));
        if (job.isEmpty()) {
            return insisting(new CompletionHandler.OnCompleteRemove<>());
        }
        if (job.get().readable().isEmpty()) {
            return unreadable(job.get(), version, context.getExecution().consecutiveFailures);
        }
        Claim claim = new Claim(paces, metrics, traces, job.get(), version);
        held.add(claim);
        try {
            if (closed) {
                claim.giveBack();
            } else {
                worker.accept(claim);
            }
            return insisting(
                    switch (claim.await()) {
                        case ENDED -> new CompletionHandler.OnCompleteRemove<Void>();
                        case RELEASED ->
                            (complete, entries) -> entries.reschedule(complete, complete.getExecution().executionTime);
                    });
        } finally {
            held.remove(claim);
        }
    }

    /** Another worker may be of a newer version that can read it. */
    private CompletionHandler<Void> unreadable(Job job, long version, int failures) {
        if (models.workers() > 1 && failures < TIMES_LEFT_TO_OTHERS) {
            throw new UnreadableRow(new IllegalStateException("job " + job.id() + " is left to other workers"));
        }
        log.warn("Job {} fails: this version of Darkroom cannot read what it asks for", job.id());
        Retries.insist(() -> store.fail(
                job.id(),
                version,
                FailureCode.UNREADABLE,
                "it was written by another version of Darkroom, and the one that was to draw it cannot read it"));
        return insisting(new CompletionHandler.OnCompleteRemove<>());
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
        return (complete, entries) -> Retries.insist(() -> completion.complete(complete, entries));
    }
}
