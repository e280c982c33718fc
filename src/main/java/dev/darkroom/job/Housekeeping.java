package dev.darkroom.job;

import dev.darkroom.blobs.ImageStore;
import dev.darkroom.fleet.Models;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
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
    private static final Duration NOW_AND_THEN = Duration.ofSeconds(15);
    private static final Duration SELDOM = Duration.ofMinutes(1);
    private static final Duration KEYS_LIVE = Duration.ofHours(24);

    /** For so long after a job's end its steps are told to those who resume its stream. */
    private static final Duration STEPS_LIVE = Duration.ofMinutes(1);

    private static final Duration COMPACTING = Duration.ofMillis(200);
    private static final Duration LAST_COMPACTING = Duration.ofSeconds(2);

    /** Longer than any transaction lasts that may still name a deleted job's picture. */
    private static final Duration IMAGES_LIVE_ON = Duration.ofMinutes(1);

    /** Steps that an earlier process left are looked for so far back. */
    private static final Duration STEPS_MAY_BE_LEFT = Duration.ofDays(1);

    private final JobKeeping store;
    private final ImageStore files;
    private final QueueEntries entries;
    private final IdempotencyKeys keys;
    private final Models models;
    private final Paces paces;
    private final DatabaseClock clock;
    private final JdbcClient sql;
    private final JobSettings settings;
    private final @Nullable H2File ownDatabase;
    private Instant stepsForgottenUntil;
    private @Nullable ScheduledExecutorService executor;

    Housekeeping(
            JobKeeping store,
            ImageStore files,
            QueueEntries entries,
            IdempotencyKeys keys,
            Models models,
            Paces paces,
            DatabaseClock clock,
            JdbcClient sql,
            JobSettings settings,
            DataSource connections,
            JdbcConnectionDetails database) {
        this.store = store;
        this.files = files;
        this.entries = entries;
        this.keys = keys;
        this.models = models;
        this.paces = paces;
        this.clock = clock;
        this.sql = sql;
        this.settings = settings;
        this.ownDatabase = JobConfiguration.isH2(database) ? new H2File(connections) : null;
        this.stepsForgottenUntil = clock.instant().minus(STEPS_MAY_BE_LEFT);
    }

    private void expire() {
        store.expire().forEach(entries::remove);
        clock.answered();
    }

    private void synchronise() {
        if (ownDatabase == null) {
            clock.synchronise(sql);
        }
    }

    /** Deletes the jobs that have been over for long enough. */
    void retain() {
        store.deleteEndedBefore(clock.instant().minus(settings.retention()));
    }

    private void deleteImages() {
        store.deleteImages(IMAGES_LIVE_ON);
    }

    /** A minute is looked at twice, in case another process's commit came late. */
    void forgetSteps() {
        Instant until = clock.instant().minus(STEPS_LIVE);
        store.forgetStepsOfJobsEnded(stepsForgottenUntil.minus(STEPS_LIVE), until);
        stepsForgottenUntil = until;
    }

    private void compact(Duration atMost) {
        if (ownDatabase != null) {
            ownDatabase.compact(atMost);
        }
    }

    void forgetKeys() {
        keys.deleteBefore(clock.instant().minus(KEYS_LIVE));
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
                Executors.newScheduledThreadPool(3, new CustomizableThreadFactory("housekeeping-"));
        repeat(executor, OFTEN, surviving("Ending jobs whose time is up", this::expire));
        repeat(executor, OFTEN, surviving("Saving what was measured", paces::save));
        repeat(executor, OFTEN, surviving("Resetting the order of an idle queue", store::forgetFlowsIfIdle));
        repeat(executor, OFTEN, surviving("The worker's heartbeat", models::heartbeat));
        repeat(executor, SELDOM, surviving("Asking the database for the time", this::synchronise));
        repeat(executor, SELDOM, surviving("Forgetting dead workers", models::forgetDead));
        repeat(executor, SELDOM, surviving("Forgetting the usage of past days", store::forgetOldUsage));
        repeat(executor, SELDOM, surviving("Deleting old jobs", this::retain));
        repeat(executor, SELDOM, surviving("Deleting the pictures of old jobs", this::deleteImages));
        repeat(executor, SELDOM, surviving("Forgetting the steps of ended jobs", this::forgetSteps));
        repeat(executor, SELDOM, surviving("Forgetting idempotency keys", this::forgetKeys));
        repeat(executor, NOW_AND_THEN, surviving("Compacting the database", () -> compact(COMPACTING)));
        repeat(executor, SELDOM, surviving("Removing what a crash left in the store of pictures", files::tidy));
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
            surviving("Compacting the database", () -> compact(LAST_COMPACTING)).run();
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
