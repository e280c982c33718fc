package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.boot.config.DbSchedulerCustomizer;
import com.github.kagkarlsson.scheduler.task.Execution;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.jdbc.DatabaseDriver;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The queue's one task, and what is done about the process that ran before this one. */
@Configuration(proxyBeanMethods = false)
class JobConfiguration {

    private static final int FAILURES_IN_A_ROW = 3;
    private static final Duration TRY_AGAIN_AFTER = Duration.ofSeconds(5);

    @Bean
    ImageStore imageStore(ImageSettings settings) {
        return settings.open();
    }

    @Bean
    DatabaseClock clock() {
        return new DatabaseClock();
    }

    /**
     * An entry whose claim was lost or failed keeps its execution time and so its place in the queue; only after several
     * failures in a row it waits a little behind all others.
     */
    @Bean
    Task<Void> drawTask(ObjectProvider<JobQueue> queue, JobEvents events) {
        return Tasks.custom(QueueEntries.TASK, Void.class)
                .onFailure((complete, entries) -> {
                    Execution execution = complete.getExecution();
                    Instant next = execution.consecutiveFailures < FAILURES_IN_A_ROW
                            ? execution.executionTime
                            : complete.getTimeDone().plus(TRY_AGAIN_AFTER);
                    Patience.insist(() -> entries.reschedule(complete, next));
                })
                .onDeadExecution((complete, entries) -> {
                    entries.reschedule(complete, complete.getExecution().executionTime);
                    events.heard(complete.getExecution().getId(), JobEvent.Type.QUEUED);
                })
                .execute((entry, context) -> {
                    try {
                        return queue.getObject().hold(entry, context);
                    } catch (InterruptedException | ExecutionException e) {
                        throw new IllegalStateException("job " + entry.getId() + " was let go and is tried again", e);
                    }
                });
    }

    @Bean
    DbSchedulerCustomizer uniqueSchedulerName() {
        String name = "darkroom-" + ProcessHandle.current().pid() + "-"
                + UUID.randomUUID().toString().substring(0, 8);
        return new DbSchedulerCustomizer() {
            @Override
            public Optional<SchedulerName> schedulerName() {
                return Optional.of(new SchedulerName.Fixed(name));
            }
        };
    }

    /**
     * An H2 file belongs to one process at a time, so at start nobody else can hold a job or serve a model: what the
     * process before this one left is freed at once, without waiting for missed heartbeats.
     */
    @Bean
    SmartLifecycle recovery(JdbcConnectionDetails database, JobStore jobs, Models models) {
        return new SmartLifecycle() {
            private volatile boolean done;

            @Override
            public void start() {
                if (isH2(database)) {
                    jobs.releaseAll();
                    models.clear();
                }
                done = true;
            }

            @Override
            public void stop() {
                done = false;
            }

            @Override
            public boolean isRunning() {
                return done;
            }

            @Override
            public int getPhase() {
                return 0; // before the web server and the workers
            }
        };
    }

    /** Whether this process has the database for itself; otherwise it is PostgreSQL. */
    static boolean isH2(JdbcConnectionDetails database) {
        return DatabaseDriver.fromJdbcUrl(database.getJdbcUrl()) == DatabaseDriver.H2;
    }
}
