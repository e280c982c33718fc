package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.boot.config.DbSchedulerCustomizer;
import com.github.kagkarlsson.scheduler.task.FailureHandler;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.jdbc.DatabaseDriver;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.support.JdbcUtils;
import org.springframework.jdbc.support.MetaDataAccessException;

/** The database, the queue's one task, and what is done about the process that ran before this one. */
@Configuration(proxyBeanMethods = false)
class JobConfiguration {

    private static final Duration TRY_AGAIN_AFTER = Duration.ofSeconds(5);

    /**
     * H2 in {@code data-dir/db}, unless {@code spring.datasource.url} says otherwise. {@code WRITE_DELAY=0}: with its
     * default H2 acknowledges commits that a kill -9 takes back.
     */
    @Bean
    @ConditionalOnProperty(name = "spring.datasource.url", matchIfMissing = true, havingValue = "h2-in-the-data-dir")
    JdbcConnectionDetails embeddedDatabase(JobSettings settings) {
        Path directory = settings.data().resolve("db");
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create the folder of darkroom.data-dir, " + directory, e);
        }
        String url = "jdbc:h2:file:" + directory.resolve("darkroom")
                + ";WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE;LOCK_TIMEOUT=10000";
        return new JdbcConnectionDetails() {
            @Override
            public String getUsername() {
                return "sa";
            }

            @Override
            public String getPassword() {
                return "";
            }

            @Override
            public String getJdbcUrl() {
                return url;
            }
        };
    }

    @Bean
    InstantSource clock() {
        return InstantSource.system();
    }

    /** Dead entries keep their execution time and so their place in the queue. */
    @Bean
    Task<Void> drawTask(ObjectProvider<JobQueue> queue) {
        return Tasks.custom(JobQueue.TASK, Void.class)
                .onFailure(new FailureHandler.OnFailureRetryLater<>(TRY_AGAIN_AFTER))
                .onDeadExecution(
                        (complete, entries) -> entries.reschedule(complete, complete.getExecution().executionTime))
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
    SmartLifecycle recovery(DataSource database, JobStore jobs, Models models) {
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

    private static boolean isH2(DataSource database) {
        try {
            String url = JdbcUtils.extractDatabaseMetaData(database, java.sql.DatabaseMetaData::getURL);
            return DatabaseDriver.fromJdbcUrl(url) == DatabaseDriver.H2;
        } catch (MetaDataAccessException e) {
            throw new IllegalStateException("the database does not answer", e);
        }
    }
}
