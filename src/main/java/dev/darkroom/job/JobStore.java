package dev.darkroom.job;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.JobOptions;
import dev.darkroom.spec.Priority;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
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

    /** So often may a job be begun without an end; one that kills its workers is not tried for ever. */
    static final int MAX_STARTS = 3;

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
    private final FairOrder order;
    private final Usage usage;
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
        this.order = new FairOrder(sql);
        this.usage = new Usage(sql);
    }

    // What clients do

    /** Runs in the transaction that inserts a job. */
    interface Alongside {
        void inserted(String jobId, long startTag);
    }

    /**
     * Inserts a queued job.
     *
     * @param caller who posts it: jobs of different callers take turns
     * @param quota how much the caller may ask for
     * @throws QuotaExceeded if it asks for more
     */
    Job insert(ImageSpec spec, JobOptions options, String caller, Quota quota, Alongside alongside) {
        try {
            return tryInsert(spec, options, caller, quota, alongside);
        } catch (DuplicateKeyException e) { // another began the caller's flow or day at the same moment
            return tryInsert(spec, options, caller, quota, alongside);
        }
    }

    private Job tryInsert(ImageSpec spec, JobOptions options, String caller, Quota quota, Alongside alongside) {
        Instant now = now();
        String id = JobIds.at(now);
        Duration expiresIn = options.expiresIn();
        return Objects.requireNonNull(transaction.execute(status -> {
            if (!quota.equals(Quota.NONE)) {
                usage.count(caller, quota, spec.n(), now);
            }
            long startTag = order.startTag(spec, options, caller);
            sql.sql("""
                            insert into job (
                                id, state, spec, claim, starts, step, cancel_requested, last_event, created_at,
                                caller, priority, expires_at, start_tag, model, pixels, steps, work, traceparent)
                            values (?, 'queued', ?, 0, 0, 0, false, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""")
                    .param(id)
                    .param(json.writeValueAsString(spec))
                    .param(utc(now))
                    .param(caller)
                    .param(options.priority().id())
                    .param(expiresIn == null ? null : utc(now.plus(expiresIn)))
                    .param(startTag)
                    .param(spec.model())
                    .param(spec.width() * spec.height())
                    .param(spec.steps() * spec.n())
                    .param(FairOrder.work(spec))
                    .param(Traces.traceparent())
                    .update();
            addEvent(id, JobEvent.Type.QUEUED, NO_DATA);
            alongside.inserted(id, startTag);
            return find(id).orElseThrow();
        }));
    }

    Optional<Job> find(String id) {
        return sql.sql("select * from job where id = ?")
                .param(id)
                .query(this::job)
                .optional()
                .map(job -> job.with(images(id)));
    }

    /** Who posted the job. */
    Optional<String> caller(String id) {
        return sql.sql("select caller from job where id = ?")
                .param(id)
                .query(String.class)
                .optional();
    }

    /** As {@link Jobs#list}. */
    List<Job> list(String caller, Collection<JobState> states, @Nullable String before, int atMost) {
        Map<String, Job> jobs = new LinkedHashMap<>();
        sql.sql("select * from job where caller = :caller and state in (:states)"
                        + (before == null ? "" : " and id < :before") + " order by id desc limit :atMost")
                .param("caller", caller)
                .param("states", states.stream().map(JobState::id).toList())
                .param("before", before)
                .param("atMost", atMost)
                .query(this::job)
                .list()
                .forEach(job -> jobs.put(job.id(), job));
        if (!jobs.isEmpty()) {
            Map<String, List<Job.Image>> images = new HashMap<>();
            sql.sql("select * from job_image where job_id in (:ids) order by job_id, position")
                    .param("ids", jobs.keySet())
                    .query(row -> {
                        images.computeIfAbsent(row.getString("job_id"), id -> new ArrayList<>())
                                .add(image(row));
                    });
            jobs.replaceAll((id, job) -> job.with(images.getOrDefault(id, List.of())));
        }
        return List.copyOf(jobs.values());
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
     * @return empty if nothing is left to do: the job has ended, or it ends now, because a client asked for it, its time
     *     is up or it was begun too often
     */
    Optional<Job> claim(String id, long claim) {
        transaction.executeWithoutResult(status -> lock(id).filter(job -> !job.state.isFinal())
                .ifPresent(job -> {
                    sql.sql("update job set claim = ? where id = ?")
                            .params(claim, id)
                            .update();
                    if (job.cancelRequested) {
                        change(job, JobState.CANCELED, JobEvent.Type.CANCELED);
                    } else if (job.expired(now())) {
                        expire(job);
                    } else if (job.starts >= MAX_STARTS) {
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

    /**
     * Counts the start before any work is done, so that a job that kills its worker is counted as well. Does nothing if
     * this claim has started the job already.
     *
     * @return the time, by the clock of all processes
     * @throws ClaimLost also if the job was canceled before it began
     */
    Instant start(String id, long claim) {
        Instant now = now();
        asClaimed(id, claim, job -> {
            if (job.state == JobState.RUNNING) {
                return;
            }
            change(job, JobState.RUNNING, JobEvent.Type.STARTED);
            sql.sql("update job set started_at = ?, starts = starts + 1, step = ? where id = ?")
                    .params(utc(now), images(id).size() * job.spec.steps(), id)
                    .update();
        });
        return now;
    }

    /**
     * Records that picture {@code image} has {@code step} of its steps behind it.
     *
     * @param preview takes the place of the picture's one before; null for none
     */
    void step(String id, long claim, int image, int step, int steps, byte @Nullable [] preview) {
        transaction.executeWithoutResult(status -> {
            int rows = sql.sql("""
                            update job set step = step + 1, last_event = last_event + 1
                            where id = ? and claim = ? and state = 'running'""").params(id, claim).update();
            if (rows != 1) {
                throw new ClaimLost(id, claim);
            }
            writeEvent(id, JobEvent.Type.STEP, new StepData(image, step, steps));
            if (preview != null) {
                dropPreview(id, image);
                sql.sql("""
                                insert into job_preview (job_id, position, sequence, jpeg)
                                select id, ?, last_event, ? from job where id = ?""").params(image, preview, id).update();
            }
        });
    }

    /** Stores a picture, file first, and records it; the last one makes the job succeed. */
    void image(String id, long claim, int index, long seed, byte[] png, Stages stages) {
        long start = System.nanoTime();
        String hash = files.write(png);
        double writing = (System.nanoTime() - start) / 1e6;
        asClaimed(id, claim, job -> {
            if (images(id).stream().anyMatch(image -> image.index() == index)) {
                return; // an earlier try, whose commit was not acknowledged
            }
            lockFolder(hash);
            if (!files.holds(hash)) {
                files.write(png); // deleted between the first writing and the lock
            }
            sql.sql("insert into job_image (job_id, position, seed, hash, bytes) values (?, ?, ?, ?, ?)")
                    .params(id, index, seed, hash, png.length)
                    .update();
            sql.sql("""
                            update job set encode_ms = encode_ms + ?, steps_ms = steps_ms + ?,
                                decode_ms = decode_ms + ?, store_ms = store_ms + ?
                            where id = ?""")
                    .params(
                            stages.millis(Stages.Stage.ENCODE),
                            stages.millis(Stages.Stage.STEPS),
                            stages.millis(Stages.Stage.DECODE),
                            stages.millis(Stages.Stage.STORE) + writing,
                            id)
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

    /**
     * The worker gives a job back; a start that it gives back does not count against the job. Nobody may write it until it is
     * claimed again.
     */
    void release(String id, long claim) {
        asClaimed(id, claim, job -> {
            if (job.state == JobState.RUNNING) {
                change(job, JobState.QUEUED, JobEvent.Type.QUEUED);
                sql.sql("update job set starts = starts - 1 where id = ?")
                        .param(id)
                        .update();
            }
            sql.sql("update job set claim = 0 where id = ?").param(id).update();
        });
    }

    /** Ends the jobs whose time is up. @return their ids */
    List<String> expire() {
        List<String> ids = sql.sql(
                        "select id from job where (state = 'queued' or state = 'running') and expires_at <= ?")
                .param(utc(now()))
                .query(String.class)
                .list();
        for (String id : ids) {
            transaction.executeWithoutResult(
                    status -> lock(id).filter(job -> !job.state.isFinal()).ifPresent(this::expire));
        }
        return ids;
    }

    /** Jobs that ended before {@code time}, the oldest first. */
    List<String> endedBefore(Instant time, int atMost) {
        return sql.sql("select id from job where finished_at < ? order by finished_at limit ?")
                .params(utc(time), atMost)
                .query(String.class)
                .list();
    }

    /** Deletes a job, its events, and its pictures unless another job has the same ones. */
    void delete(String id) {
        transaction.executeWithoutResult(status -> lock(id).ifPresent(job -> {
            images(id).stream().map(Job.Image::hash).distinct().sorted().forEach(hash -> {
                lockFolder(hash);
                sql.sql("delete from job_image where job_id = ? and hash = ?")
                        .params(id, hash)
                        .update();
                if (sql.sql("select 1 from job_image where hash = ? limit 1")
                        .param(hash)
                        .query(Integer.class)
                        .optional()
                        .isEmpty()) {
                    files.delete(hash);
                }
            });
            sql.sql("delete from job where id = ?").param(id).update();
        }));
    }

    void forgetFlowsIfIdle() {
        order.forgetIfIdle();
    }

    void forgetOldUsage() {
        usage.forgetDaysBefore(now());
    }

    /** The newest thing to know of each job: its end, or that it goes on. */
    Map<String, JobEvent.Type> newestEvents(Collection<String> ids) {
        Map<String, JobEvent.Type> newest = new HashMap<>();
        if (!ids.isEmpty()) {
            sql.sql("select id, state from job where id in (:ids)")
                    .param("ids", ids)
                    .query(row -> {
                        newest.put(
                                row.getString("id"),
                                switch (state(row)) {
                                    case QUEUED, RUNNING -> JobEvent.Type.STEP;
                                    case SUCCEEDED -> JobEvent.Type.SUCCEEDED;
                                    case FAILED -> JobEvent.Type.FAILED;
                                    case CANCELED -> JobEvent.Type.CANCELED;
                                });
                    });
        }
        return newest;
    }

    /** Start tags of the jobs that nobody holds, the lowest first. */
    List<Long> waitingTags(int atMost) {
        return sql.sql("""
                        select start_tag from job join scheduled_tasks on task_instance = id
                        where picked = false and state = 'queued' order by start_tag limit ?""").param(atMost).query(Long.class).list();
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

    private record Locked(
            String id,
            JobState state,
            long claim,
            int starts,
            boolean cancelRequested,
            @Nullable Instant expiresAt,
            ImageSpec spec) {

        boolean expired(Instant now) {
            return expiresAt != null && !expiresAt.isAfter(now);
        }
    }

    private Optional<Locked> lock(String id) {
        return sql.sql("""
                        select id, state, claim, starts, cancel_requested, expires_at, spec from job
                        where id = ? for update""")
                .param(id)
                .query((row, n) -> new Locked(
                        row.getString("id"),
                        state(row),
                        row.getLong("claim"),
                        row.getInt("starts"),
                        row.getBoolean("cancel_requested"),
                        instantOrNull(row, "expires_at"),
                        json.readValue(row.getString("spec"), ImageSpec.class)))
                .optional();
    }

    /** Whoever adds a picture or deletes one waits for the others that do in the same folder, in any process. */
    private void lockFolder(String hash) {
        sql.sql("select name from image_folder where name = ? for update")
                .param(ImageStore.folder(hash))
                .query(String.class)
                .single();
    }

    private void asClaimed(String id, long claim, Consumer<Locked> work) {
        transaction.executeWithoutResult(status -> {
            Locked job = lock(id).filter(row -> row.claim == claim && !row.state.isFinal())
                    .orElseThrow(() -> new ClaimLost(id, claim));
            work.accept(job);
        });
    }

    private void expire(Locked job) {
        end(job, FailureCode.EXPIRED, "it had not ended within the time that the request allowed");
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
        writeEvent(id, type, data);
    }

    /** Writes the event whose number this transaction has put into the job's row. */
    private void writeEvent(String id, JobEvent.Type type, Record data) {
        sql.sql("""
                        insert into job_event (job_id, sequence, type, data, created_at)
                        select id, last_event, ?, ?, ? from job where id = ?""")
                .param(type.id())
                .param(json.writeValueAsString(data))
                .param(utc(now()))
                .param(id)
                .update();
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                events.published(id, type);
            }
        });
    }

    int count(JobState state) {
        return sql.sql("select count(*) from job where state = ?")
                .param(state.id())
                .query(Integer.class)
                .single();
    }

    private List<Job.Image> images(String id) {
        return sql.sql("select * from job_image where job_id = ? order by position")
                .param(id)
                .query((row, n) -> image(row))
                .list();
    }

    private static Job.Image image(ResultSet row) throws SQLException {
        return new Job.Image(row.getInt("position"), row.getLong("seed"), row.getString("hash"), row.getLong("bytes"));
    }

    private Job job(ResultSet row, int number) throws SQLException {
        String failure = row.getString("failure_code");
        return new Job(
                row.getString("id"),
                state(row),
                json.readValue(row.getString("spec"), ImageSpec.class),
                Priority.of(row.getString("priority")).orElseThrow(),
                row.getLong("start_tag"),
                row.getInt("step"),
                row.getBoolean("cancel_requested"),
                failure == null ? null : new Job.Failure(failure, row.getString("failure_message")),
                List.of(),
                row.getLong("last_event"),
                instant(row, "created_at"),
                instantOrNull(row, "expires_at"),
                instantOrNull(row, "started_at"),
                instantOrNull(row, "finished_at"),
                new Job.Times(
                        row.getDouble("encode_ms"),
                        row.getDouble("steps_ms"),
                        row.getDouble("decode_ms"),
                        row.getDouble("store_ms")),
                row.getString("traceparent"));
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
