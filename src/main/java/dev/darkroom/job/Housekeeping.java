package dev.darkroom.job;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;

/**
 * What has to be done now and then. Every process does all of it: the rows are locked one by one, so several do no more
 * than one, and no process must live for it to happen.
 */
@Component
class Housekeeping implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Housekeeping.class);

    private static final Duration OFTEN = Duration.ofSeconds(1);
    private static final Duration SELDOM = Duration.ofMinutes(1);
    private static final Duration KEYS_LIVE = Duration.ofHours(24);
    private static final int JOBS_AT_ONCE = 500;

    private final JobStore store;
    private final QueueEntries entries;
    private final IdempotencyKeys keys;
    private final Models models;
    private final Paces paces;
    private final DatabaseClock clock;
    private final JdbcClient sql;
    private final JobSettings settings;
    private final boolean ownDatabase;
    private @Nullable ScheduledExecutorService executor;

    Housekeeping(
            JobStore store,
            QueueEntries entries,
            IdempotencyKeys keys,
            Models models,
            Paces paces,
            DatabaseClock clock,
            JdbcClient sql,
            JobSettings settings,
            JdbcConnectionDetails database) {
        this.store = store;
        this.entries = entries;
        this.keys = keys;
        this.models = models;
        this.paces = paces;
        this.clock = clock;
        this.sql = sql;
        this.settings = settings;
        this.ownDatabase = JobConfiguration.isH2(database);
    }

    private void expire() {
        store.expire().forEach(entries::remove);
    }

    private void synchronise() {
        if (!ownDatabase) {
            clock.synchronise(sql);
        }
    }

    /** Deletes the jobs that have been over for long enough. */
    void retain() {
        deleteEndedBefore(clock.instant().minus(settings.retention()));
    }

    void forgetKeys() {
        keys.deleteBefore(clock.instant().minus(KEYS_LIVE));
    }

    private void deleteEndedBefore(Instant time) {
        List<String> ids;
        do {
            ids = store.endedBefore(time, JOBS_AT_ONCE);
            ids.forEach(store::delete);
        } while (ids.size() == JOBS_AT_ONCE);
    }

    /** One failure must not end the repetition; the database may be away. */
    private static Runnable surviving(String what, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                log.warn("{} failed and is tried again: {}", what, e.getMessage());
            }
        };
    }

    @Override
    public synchronized void start() {
        synchronise();
        ScheduledExecutorService executor =
                Executors.newScheduledThreadPool(2, new CustomizableThreadFactory("housekeeping-"));
        repeat(executor, OFTEN, surviving("Ending jobs whose time is up", this::expire));
        repeat(executor, OFTEN, surviving("Saving what was measured", paces::save));
        repeat(executor, OFTEN, surviving("Resetting the order of an idle queue", store::forgetFlowsIfIdle));
        repeat(executor, OFTEN, surviving("The worker's heartbeat", models::heartbeat));
        repeat(executor, SELDOM, surviving("Asking the database for the time", this::synchronise));
        repeat(executor, SELDOM, surviving("Forgetting dead workers", models::forgetDead));
        repeat(executor, SELDOM, surviving("Forgetting the usage of past days", store::forgetOldUsage));
        repeat(executor, SELDOM, surviving("Deleting old jobs", this::retain));
        repeat(executor, SELDOM, surviving("Forgetting idempotency keys", this::forgetKeys));
        this.executor = executor;
    }

    private static void repeat(ScheduledExecutorService executor, Duration every, Runnable work) {
        executor.scheduleWithFixedDelay(work, every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public synchronized void stop() {
        ScheduledExecutorService running = executor;
        if (running != null) {
            running.shutdown();
            executor = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return executor != null;
    }

    @Override
    public int getPhase() {
        return 0; // before the web server and the workers
    }
}
