package dev.darkroom.job;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.spec.ImageSpec;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * The rows of jobs, their events and their pictures.
 *
 * <p>Every change of state locks the job's row, checks {@link JobState#canBecome} and writes its event in the same
 * transaction; listeners hear of it after the commit. What a worker writes carries the number of its claim and is
 * refused with {@link ClaimLost} when the row belongs to another: a worker that was taken for dead changes nothing.
 */
@Component
class JobStore {

    /** So often may workers die while drawing one job. */
    static final int MAX_STARTS = 5;

    private static final int MAX_MESSAGE = 2000;

    private record StepData(int image, int step, int steps) {}

    private record PreviewData(int image, int step, int steps, Preview preview) {}

    private record Preview(@JsonProperty("content_type") String contentType, byte[] data) {}

    private record ImageData(int index) {}

    private record NoData() {}

    private static final NoData NO_DATA = new NoData();

    private final JdbcClient sql;
    private final TransactionTemplate transaction;
    private final JobEvents events;
    private final ImageStore files;
    private final InstantSource clock;
    private final JsonMapper json = JsonMapper.shared();

    JobStore(
            JdbcClient sql,
            PlatformTransactionManager transactions,
            JobEvents events,
            ImageStore files,
            InstantSource clock) {
        this.sql = sql;
        this.transaction = new TransactionTemplate(transactions);
        this.events = events;
        this.files = files;
        this.clock = clock;
    }

    // What clients do

    /**
     * Inserts a queued job.
     *
     * @param alongside runs in the same transaction with the new job's id
     * @throws QueueFull when {@code maxQueued} jobs wait
     */
    Job insert(ImageSpec spec, int maxQueued, Consumer<String> alongside) {
        Instant now = now();
        String id = JobIds.at(now);
        transaction.executeWithoutResult(status -> {
            if (countQueued() >= maxQueued) {
                throw new QueueFull(maxQueued);
            }
            sql.sql("""
                            insert into job
                                (id, state, spec, claim, starts, step, cancel_requested, last_event, created_at)
                            values (?, 'queued', ?, 0, 0, 0, false, 0, ?)""").params(id, json.writeValueAsString(spec), utc(now)).update();
            addEvent(id, JobEvent.Type.QUEUED, NO_DATA);
            alongside.accept(id);
        });
        return find(id).orElseThrow();
    }

    Optional<Job> find(String id) {
        return sql.sql("select * from job where id = ?")
                .param(id)
                .query(this::job)
                .optional()
                .map(job -> job.with(images(id)));
    }

    List<JobEvent> eventsAfter(String id, long sequence) {
        return sql.sql("""
                        select job_event.sequence, type, data, jpeg, created_at
                        from job_event left join job_preview
                            on job_preview.job_id = job_event.job_id and job_preview.sequence = job_event.sequence
                        where job_event.job_id = ? and job_event.sequence > ? order by job_event.sequence""")
                .params(id, sequence)
                .query((row, n) -> new JobEvent(
                        row.getLong("sequence"),
                        JobEvent.Type.valueOf(row.getString("type").toUpperCase(Locale.ROOT)),
                        withPreview(row.getString("data"), row.getBytes("jpeg")),
                        instant(row, "created_at")))
                .list();
    }

    private String withPreview(String data, byte @Nullable [] jpeg) {
        if (jpeg == null) {
            return data;
        }
        StepData step = json.readValue(data, StepData.class);
        Preview preview = new Preview("image/jpeg", jpeg);
        return json.writeValueAsString(new PreviewData(step.image, step.step, step.steps, preview));
    }

    /** Cancels a queued job at once, asks the worker to stop a running one, leaves an ended one alone. */
    void cancel(String id) {
        transaction.executeWithoutResult(status -> lock(id).ifPresent(job -> {
            switch (job.state) {
                case QUEUED -> change(job, JobState.CANCELED, JobEvent.Type.CANCELED);
                case RUNNING ->
                    sql.sql("update job set cancel_requested = true where id = ?")
                            .param(id)
                            .update();
                case SUCCEEDED, FAILED, CANCELED -> {}
            }
        }));
    }

    // What workers do

    /**
     * Makes {@code claim} the only one that may write this job. A job that an earlier claim had begun is queued again.
     *
     * @param claim version of the queue entry's pick; rises with every pick
     * @return empty if nothing is left to do: the job has ended, or its workers died too often and it fails now
     */
    Optional<Job> claim(String id, long claim) {
        transaction.executeWithoutResult(status -> lock(id).filter(job -> !job.state.isFinal())
                .ifPresent(job -> {
                    sql.sql("update job set claim = ? where id = ?")
                            .params(claim, id)
                            .update();
                    if (job.starts >= MAX_STARTS) {
                        end(
                                job,
                                FailureCode.INTERRUPTED_TOO_OFTEN,
                                "its worker died " + job.starts + " times while drawing it");
                    } else if (job.state == JobState.RUNNING) {
                        change(job, JobState.QUEUED, JobEvent.Type.QUEUED);
                    }
                }));
        return find(id).filter(job -> !job.state().isFinal());
    }

    /** @throws ClaimLost also if the job was canceled before it began */
    void start(String id, long claim) {
        asClaimed(id, claim, job -> {
            change(job, JobState.RUNNING, JobEvent.Type.STARTED);
            sql.sql("update job set started_at = ?, starts = starts + 1, step = ? where id = ?")
                    .params(utc(now()), images(id).size() * job.spec.steps(), id)
                    .update();
        });
    }

    /**
     * Records that picture {@code image} has {@code step} of its steps behind it.
     *
     * @param preview takes the place of the picture's one before; null for none
     */
    void step(String id, long claim, int image, int step, int steps, byte @Nullable [] preview) {
        transaction.executeWithoutResult(status -> {
            int rows = sql.sql("update job set step = step + 1 where id = ? and claim = ? and state = 'running'")
                    .params(id, claim)
                    .update();
            if (rows != 1) {
                throw new ClaimLost(id, claim);
            }
            addEvent(id, JobEvent.Type.STEP, new StepData(image, step, steps));
            if (preview != null) {
                dropPreview(id, image);
                sql.sql("""
                                insert into job_preview (job_id, position, sequence, jpeg)
                                select id, ?, last_event, ? from job where id = ?""").params(image, preview, id).update();
            }
        });
    }

    /** Stores a picture, file first, and records it; the last one makes the job succeed. */
    void image(String id, long claim, int index, long seed, byte[] png) {
        String hash = files.write(png);
        asClaimed(id, claim, job -> {
            sql.sql("insert into job_image (job_id, position, seed, hash, bytes) values (?, ?, ?, ?, ?)")
                    .params(id, index, seed, hash, png.length)
                    .update();
            dropPreview(id, index);
            addEvent(id, JobEvent.Type.IMAGE, new ImageData(index));
            if (images(id).size() == job.spec.n()) {
                change(job, JobState.SUCCEEDED, JobEvent.Type.SUCCEEDED);
            }
        });
    }

    private void dropPreview(String id, int image) {
        sql.sql("delete from job_preview where job_id = ? and position = ?")
                .params(id, image)
                .update();
    }

    void fail(String id, long claim, FailureCode code, String message) {
        asClaimed(id, claim, job -> end(job, code, message));
    }

    /** The running job has stopped because a client asked for it. */
    void canceled(String id, long claim) {
        asClaimed(id, claim, job -> change(job, JobState.CANCELED, JobEvent.Type.CANCELED));
    }

    /** The worker gives a job back; a start that it gives back does not count against the job. */
    void release(String id, long claim) {
        asClaimed(id, claim, job -> {
            if (job.state == JobState.RUNNING) {
                change(job, JobState.QUEUED, JobEvent.Type.QUEUED);
                sql.sql("update job set starts = starts - 1 where id = ?")
                        .param(id)
                        .update();
            }
        });
    }

    /** The running jobs that clients want stopped. */
    Set<String> cancelRequests() {
        return new HashSet<>(sql.sql("select id from job where state = 'running' and cancel_requested = true")
                .query(String.class)
                .list());
    }

    /**
     * Frees everything that a process held which is certainly dead: its queue entries are due again and its running
     * jobs wait again. Only for a database that one process uses at a time.
     */
    void releaseAll() {
        transaction.executeWithoutResult(status -> {
            sql.sql("""
                            update scheduled_tasks
                            set picked = false, picked_by = null, last_heartbeat = null, version = version + 1
                            where picked = true""").update();
            sql.sql("select id from job where state = 'running'")
                    .query(String.class)
                    .list()
                    .forEach(id -> change(lock(id).orElseThrow(), JobState.QUEUED, JobEvent.Type.QUEUED));
        });
    }

    // Rows

    private record Locked(String id, JobState state, long claim, int starts, ImageSpec spec) {}

    private Optional<Locked> lock(String id) {
        return sql.sql("select id, state, claim, starts, spec from job where id = ? for update")
                .param(id)
                .query((row, n) -> new Locked(
                        row.getString("id"),
                        state(row),
                        row.getLong("claim"),
                        row.getInt("starts"),
                        json.readValue(row.getString("spec"), ImageSpec.class)))
                .optional();
    }

    private void asClaimed(String id, long claim, Consumer<Locked> work) {
        transaction.executeWithoutResult(status -> {
            Locked job = lock(id).filter(row -> row.claim == claim && !row.state.isFinal())
                    .orElseThrow(() -> new ClaimLost(id, claim));
            work.accept(job);
        });
    }

    private void end(Locked job, FailureCode code, String message) {
        change(job, JobState.FAILED, JobEvent.Type.FAILED);
        sql.sql("update job set failure_code = ?, failure_message = ? where id = ?")
                .params(code.id(), message.substring(0, Math.min(message.length(), MAX_MESSAGE)), job.id)
                .update();
    }

    private void change(Locked job, JobState next, JobEvent.Type event) {
        if (!job.state.canBecome(next)) {
            throw new IllegalStateException(
                    "job " + job.id + " is " + job.state.id() + " and cannot become " + next.id());
        }
        sql.sql("update job set state = ?, finished_at = ? where id = ?")
                .param(next.id())
                .param(next.isFinal() ? utc(now()) : null)
                .param(job.id)
                .update();
        addEvent(job.id, event, NO_DATA);
    }

    /** Needs the job's row locked. */
    private void addEvent(String id, JobEvent.Type type, Record data) {
        sql.sql("update job set last_event = last_event + 1 where id = ?")
                .param(id)
                .update();
        long sequence = sql.sql("select last_event from job where id = ?")
                .param(id)
                .query(Long.class)
                .single();
        sql.sql("insert into job_event (job_id, sequence, type, data, created_at) values (?, ?, ?, ?, ?)")
                .params(id, sequence, type.id(), json.writeValueAsString(data), utc(now()))
                .update();
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                events.published(id, type);
            }
        });
    }

    private int countQueued() {
        return sql.sql("select count(*) from job where state = 'queued'")
                .query(Integer.class)
                .single();
    }

    private List<Job.Image> images(String id) {
        return sql.sql("select * from job_image where job_id = ? order by position")
                .param(id)
                .query((row, n) -> new Job.Image(
                        row.getInt("position"), row.getLong("seed"), row.getString("hash"), row.getLong("bytes")))
                .list();
    }

    private Job job(ResultSet row, int number) throws SQLException {
        String failure = row.getString("failure_code");
        return new Job(
                row.getString("id"),
                state(row),
                json.readValue(row.getString("spec"), ImageSpec.class),
                row.getInt("step"),
                row.getBoolean("cancel_requested"),
                failure == null ? null : new Job.Failure(failure, row.getString("failure_message")),
                List.of(),
                row.getLong("last_event"),
                instant(row, "created_at"),
                instantOrNull(row, "started_at"),
                instantOrNull(row, "finished_at"));
    }

    private static JobState state(ResultSet row) throws SQLException {
        return JobState.valueOf(row.getString("state").toUpperCase(Locale.ROOT));
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    private static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MILLIS);
    }

    private static OffsetDateTime utc(Instant time) {
        return time.atOffset(ZoneOffset.UTC);
    }
}
