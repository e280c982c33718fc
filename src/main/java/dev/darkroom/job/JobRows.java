package dev.darkroom.job;

import dev.darkroom.observe.Stages;
import dev.darkroom.request.Priority;
import dev.darkroom.request.Request;
import dev.darkroom.request.StoredJson;
import dev.darkroom.request.UnreadableRow;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.JdbcOperations;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The rows of jobs, their events and their pictures, for those who change them. A change locks the job's row, is made in
 * memory by {@link Locked}, which checks {@link JobState#canBecome}, and is saved with its events in the same transaction;
 * listeners hear of it after the commit.
 */
@Component
class JobRows {

    private static final Logger log = LoggerFactory.getLogger(JobRows.class);

    private static final int MAX_MESSAGE = 2000;

    /** By name, as everywhere: a newer version may add columns while this one runs, and PostgreSQL then refuses prepared stars. */
    static final String JOB = """
            select id, state, spec, priority, start_tag, step, steps, work, claim, deaths, cancel_requested, failure_code,
                failure_message, last_event, created_at, expires_at, started_at, finished_at, encode_ms, steps_ms,
                decode_ms, store_ms, traceparent
            from job
            """;

    private record NoData() {}

    private static final NoData NO_DATA = new NoData();

    final JdbcClient sql;
    private final JdbcOperations batches;
    private final TransactionTemplate transaction;
    private final JobEvents events;
    private final InstantSource clock;

    JobRows(
            JdbcClient sql,
            JdbcOperations batches,
            PlatformTransactionManager transactions,
            JobEvents events,
            InstantSource clock) {
        this.sql = sql;
        this.batches = batches;
        this.transaction = new TransactionTemplate(transactions);
        this.events = events;
        this.clock = clock;
    }

    /** Does the work in one transaction. */
    <T extends @Nullable Object> T inTransaction(Supplier<T> work) {
        return transaction.execute(status -> work.get());
    }

    void inTransaction(Runnable work) {
        transaction.executeWithoutResult(status -> work.run());
    }

    Optional<Job> find(String id) {
        return sql.sql(JOB + "where id = ?")
                .param(id)
                .query(JobRows::job)
                .optional()
                .map(job -> job.with(images(List.of(id)).getOrDefault(id, List.of())));
    }

    /** Finished pictures of each job that has some, in order of their index. */
    Map<String, List<Job.Image>> images(Collection<String> ids) {
        Map<String, List<Job.Image>> images = new HashMap<>();
        if (!ids.isEmpty()) {
            sql.sql("select job_id, position, seed, hash, bytes from job_image where job_id in (:ids)"
                            + " order by job_id, position")
                    .param("ids", ids)
                    .query(row -> {
                        images.computeIfAbsent(row.getString("job_id"), id -> new ArrayList<>())
                                .add(new Job.Image(
                                        row.getInt("position"),
                                        row.getLong("seed"),
                                        row.getString("hash"),
                                        row.getLong("bytes")));
                    });
        }
        return images;
    }

    /** A row that nobody else changes until the transaction's end, and what is to become of it. */
    final class Locked {
        final String id;
        final long claim;
        final boolean cancelRequested;
        private final @Nullable Instant expiresAt;
        private final List<Object[]> newEvents = new ArrayList<>();
        private JobState state;
        private long nextClaim;
        private int deaths;
        private int step;
        private long lastEvent;
        private @Nullable OffsetDateTime startedAt;
        private @Nullable OffsetDateTime finishedAt;
        private @Nullable String failureCode;
        private @Nullable String failureMessage;
        private double encode;
        private double steps;
        private double decode;
        private double store;

        private Locked(ResultSet row) throws SQLException {
            id = row.getString("id");
            claim = row.getLong("claim");
            cancelRequested = row.getBoolean("cancel_requested");
            expiresAt = instantOrNull(row, "expires_at");
            state = JobRows.state(row);
            nextClaim = claim;
            deaths = row.getInt("deaths");
            step = row.getInt("step");
            lastEvent = row.getLong("last_event");
            startedAt = row.getObject("started_at", OffsetDateTime.class);
            finishedAt = row.getObject("finished_at", OffsetDateTime.class);
            failureCode = row.getString("failure_code");
            failureMessage = row.getString("failure_message");
            encode = row.getDouble("encode_ms");
            steps = row.getDouble("steps_ms");
            decode = row.getDouble("decode_ms");
            store = row.getDouble("store_ms");
        }

        JobState state() {
            return state;
        }

        int deaths() {
            return deaths;
        }

        long lastEvent() {
            return lastEvent;
        }

        boolean expired(Instant now) {
            return expiresAt != null && !expiresAt.isAfter(now);
        }

        /** Nobody but this claim may write from now on. */
        void claimedBy(long claim) {
            nextClaim = claim;
        }

        void change(JobState next, JobEvent.Type event) {
            if (!state.canBecome(next)) {
                throw new IllegalStateException("job " + id + " is " + state.id() + " and cannot become " + next.id());
            }
            state = next;
            finishedAt = next.isFinal() ? utc(now()) : null;
            add(event, NO_DATA);
        }

        /** It has just been inserted. */
        void queued() {
            add(JobEvent.Type.QUEUED, NO_DATA);
        }

        /** @param done sampling steps of the pictures that are recorded already */
        void start(int done) {
            change(JobState.RUNNING, JobEvent.Type.STARTED);
            startedAt = utc(now());
            step = done;
        }

        /** @return the event's number */
        long step(Record data) {
            step++;
            return add(JobEvent.Type.STEP, data);
        }

        void took(Stages stages) {
            encode += stages.millis(Stages.Stage.ENCODE);
            steps += stages.millis(Stages.Stage.STEPS);
            decode += stages.millis(Stages.Stage.DECODE);
            store += stages.millis(Stages.Stage.STORE);
        }

        void fail(FailureCode code, String message) {
            change(JobState.FAILED, JobEvent.Type.FAILED);
            failureCode = code.id();
            failureMessage = message.substring(0, Math.min(message.length(), MAX_MESSAGE));
        }

        void expire() {
            fail(FailureCode.EXPIRED, "it had not ended within the time that the request allowed");
        }

        /** Its worker has died, or will. */
        void died() {
            deaths++;
            claimedBy(0);
        }

        /** @return the event's number */
        long add(JobEvent.Type type, Record data) {
            lastEvent++;
            newEvents.add(new Object[] {id, lastEvent, type.id(), StoredJson.of(data), utc(now())});
            TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
                @Override
                public void afterCommit() {
                    events.published(id, type);
                }
            });
            return lastEvent;
        }
    }

    Optional<Locked> lock(String id) {
        return Optional.ofNullable(lock(List.of(id)).get(id));
    }

    /** Locks the rows that there are, always in the same order, so that two who lock several never wait for each other. */
    Map<String, Locked> lock(Collection<String> ids) {
        Map<String, Locked> locked = new LinkedHashMap<>();
        if (!ids.isEmpty()) {
            sql.sql(JOB + "where id in (:ids) order by id for update")
                    .param("ids", ids)
                    .query(row -> {
                        locked.put(row.getString("id"), new Locked(row));
                    });
        }
        return locked;
    }

    void save(Locked job) {
        save(List.of(job));
    }

    void save(Collection<Locked> jobs) {
        batches.batchUpdate(
                """
                update job set state = ?, claim = ?, deaths = ?, step = ?, last_event = ?, started_at = ?, finished_at = ?,
                    failure_code = ?, failure_message = ?, encode_ms = ?, steps_ms = ?, decode_ms = ?, store_ms = ?
                where id = ?""",
                jobs.stream()
                        .map(job -> new @Nullable Object[] {
                            job.state.id(),
                            job.nextClaim,
                            job.deaths,
                            job.step,
                            job.lastEvent,
                            job.startedAt,
                            job.finishedAt,
                            job.failureCode,
                            job.failureMessage,
                            job.encode,
                            job.steps,
                            job.decode,
                            job.store,
                            job.id
                        })
                        .toList());
        batch(
                "insert into job_event (job_id, sequence, type, data, created_at) values (?, ?, ?, ?, ?)",
                jobs.stream().flatMap(job -> job.newEvents.stream()).toList());
    }

    void batch(String statement, List<Object[]> rows) {
        if (!rows.isEmpty()) {
            batches.batchUpdate(statement, rows);
        }
    }

    static Job job(ResultSet row, int number) throws SQLException {
        String failure = row.getString("failure_code");
        return new Job(
                row.getString("id"),
                state(row),
                requestIfReadable(row),
                Priority.of(row.getString("priority")).orElse(Priority.NORMAL),
                row.getLong("start_tag"),
                row.getInt("step"),
                row.getInt("steps"),
                row.getLong("work"),
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

    private static Optional<Request> requestIfReadable(ResultSet row) throws SQLException {
        try {
            return Optional.of(StoredJson.request(row.getString("spec")));
        } catch (UnreadableRow e) {
            log.debug("Job {} is shown without its parameters", row.getString("id"), e);
            return Optional.empty();
        }
    }

    static JobState state(ResultSet row) throws SQLException {
        return JobState.valueOf(row.getString("state").toUpperCase(Locale.ROOT));
    }

    static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }

    private static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MILLIS);
    }

    static OffsetDateTime utc(Instant time) {
        return time.atOffset(ZoneOffset.UTC);
    }
}
