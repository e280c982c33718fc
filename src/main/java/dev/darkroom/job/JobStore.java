package dev.darkroom.job;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.Cost;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Request;
import dev.darkroom.request.StoredJson;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The rows of jobs as those use them who post jobs and follow them. */
@Component
class JobStore {

    private record Preview(@JsonProperty("content_type") String contentType, byte[] data) {}

    private final JobRows rows;
    private final FairOrder order;
    private final Usage usage;
    private final JsonMapper json = JsonMapper.shared();

    JobStore(JobRows rows) {
        this.rows = rows;
        this.order = new FairOrder(rows.sql);
        this.usage = new Usage(rows.sql);
    }

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
    Job insert(Request request, Cost cost, JobOptions options, String caller, Quota quota, Alongside alongside) {
        try {
            return tryInsert(request, cost, options, caller, quota, alongside);
        } catch (DuplicateKeyException e) { // another began the caller's flow or day at the same moment
            return tryInsert(request, cost, options, caller, quota, alongside);
        }
    }

    private Job tryInsert(
            Request request, Cost cost, JobOptions options, String caller, Quota quota, Alongside alongside) {
        Instant now = rows.now();
        String id = JobIds.at(now);
        Duration expiresIn = options.expiresIn();
        return rows.inTransaction(() -> {
            if (!quota.equals(Quota.NONE)) {
                usage.count(caller, quota, request.seeds().count(), now);
            }
            long startTag = order.startTag(cost, options, caller);
            rows.sql
                    .sql("""
                            insert into job (
                                id, state, spec, claim, starts, step, cancel_requested, last_event, created_at,
                                caller, priority, expires_at, start_tag, model, pixels, steps, work, traceparent)
                            values (?, 'queued', ?, 0, 0, 0, false, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""")
                    .param(id)
                    .param(StoredJson.of(request))
                    .param(JobRows.utc(now))
                    .param(caller)
                    .param(options.priority().id())
                    .param(expiresIn == null ? null : JobRows.utc(now.plus(expiresIn)))
                    .param(startTag)
                    .param(request.model())
                    .param(cost.pixels())
                    .param(request.sampling().steps() * request.seeds().count())
                    .param(cost.work())
                    .param(Traces.traceparent())
                    .update();
            JobRows.Locked job = rows.lock(id).orElseThrow();
            job.queued();
            rows.save(job);
            alongside.inserted(id, startTag);
            return rows.find(id).orElseThrow();
        });
    }

    Optional<Job> find(String id) {
        return rows.find(id);
    }

    /** Who posted the job. */
    Optional<String> caller(String id) {
        return rows.sql
                .sql("select caller from job where id = ?")
                .param(id)
                .query(String.class)
                .optional();
    }

    /** As {@link Jobs#list}. */
    List<Job> list(String caller, Collection<JobState> states, @Nullable String before, int atMost) {
        Map<String, Job> jobs = new LinkedHashMap<>();
        rows.sql
                .sql(JobRows.JOB + "where caller = :caller and state in (:states)"
                        + (before == null ? "" : " and id < :before") + " order by id desc limit :atMost")
                .param("caller", caller)
                .param("states", states.stream().map(JobState::id).toList())
                .param("before", before)
                .param("atMost", atMost)
                .query(JobRows::job)
                .list()
                .forEach(job -> jobs.put(job.id(), job));
        Map<String, List<Job.Image>> images = rows.images(jobs.keySet());
        jobs.replaceAll((id, job) -> job.with(images.getOrDefault(id, List.of())));
        return List.copyOf(jobs.values());
    }

    List<JobEvent> eventsAfter(String id, long sequence) {
        return rows.sql
                .sql("""
                        select job_event.sequence, type, data, jpeg, created_at
                        from job_event left join job_preview
                            on job_preview.job_id = job_event.job_id and job_preview.sequence = job_event.sequence
                        where job_event.job_id = ? and job_event.sequence > ? order by job_event.sequence""")
                .params(id, sequence)
                .query((row, n) -> new JobEvent(
                        row.getLong("sequence"),
                        JobEvent.Type.valueOf(row.getString("type").toUpperCase(Locale.ROOT)),
                        withPreview(row.getString("data"), row.getBytes("jpeg")),
                        JobRows.instant(row, "created_at")))
                .list();
    }

    private String withPreview(String data, byte @Nullable [] jpeg) {
        if (jpeg == null) {
            return data;
        }
        ObjectNode step = (ObjectNode) json.readTree(data);
        step.putPOJO("preview", new Preview("image/jpeg", jpeg));
        return json.writeValueAsString(step);
    }

    /** Cancels a queued job at once, asks the worker to stop a running one, leaves an ended one alone. */
    void cancel(String id) {
        rows.inTransaction(() -> rows.lock(id).ifPresent(job -> {
            switch (job.state()) {
                case QUEUED -> {
                    job.change(JobState.CANCELED, JobEvent.Type.CANCELED);
                    rows.save(job);
                }
                case RUNNING ->
                    rows.sql
                            .sql("update job set cancel_requested = true where id = ?")
                            .param(id)
                            .update();
                case SUCCEEDED, FAILED, CANCELED -> {}
            }
        }));
    }

    int count(JobState state) {
        return rows.sql
                .sql("select count(*) from job where state = ?")
                .param(state.id())
                .query(Integer.class)
                .single();
    }
}
