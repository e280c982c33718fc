package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.exceptions.ExecutionException;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceCurrentlyExecutingException;
import com.github.kagkarlsson.scheduler.exceptions.TaskInstanceNotFoundException;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.TaskInstanceId;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.stereotype.Component;

/**
 * The queue as those see it who only put jobs in. An entry's execution time is its job's start tag, read as microseconds
 * after 1970: all entries are due, and the lowest tag comes first.
 */
@Component
class QueueEntries {

    static final String TASK = "draw";

    private final SchedulerClient client;

    QueueEntries(DataSource database) {
        Task<Void> named = Tasks.custom(TASK, Void.class).execute((entry, context) -> {
            throw new IllegalStateException("jobs are drawn by JobQueue's task of this name");
        });
        this.client = SchedulerClient.Builder.create(new TransactionAwareDataSourceProxy(database), named)
                .build();
    }

    /** Adds an entry for the job, in the caller's transaction. */
    void add(String jobId, long startTag) {
        client.scheduleIfNotExists(new TaskInstance<>(TASK, jobId), Instant.EPOCH.plus(startTag, ChronoUnit.MICROS));
    }

    /** Removes the job's entry unless a claim holds it, which removes it at its end. */
    void remove(String jobId) {
        try {
            client.cancel(TaskInstanceId.of(TASK, jobId));
        } catch (TaskInstanceCurrentlyExecutingException | TaskInstanceNotFoundException | ExecutionException e) {
            // Its claim, which may be of this moment, is about to notice that the job has ended, or already did.
        }
    }
}
