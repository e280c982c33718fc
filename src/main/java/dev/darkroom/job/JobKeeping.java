package dev.darkroom.job;

import dev.darkroom.blobs.ImageStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** The rows of jobs as housekeeping uses them: what expires, what is deleted, what others have to be told. */
@Component
class JobKeeping {

    private static final Logger log = LoggerFactory.getLogger(JobKeeping.class);

    private static final int AT_ONCE = 500;

    /** A deletion that was begun and has not ended for so long is done again: its process is dead. */
    private static final Duration STUCK = Duration.ofMinutes(1);

    /** A file is not deleted later than this after the deletion was begun, since then another process may have done it. */
    private static final Duration AT_ONCE_OR_NEVER = Duration.ofSeconds(10);

    private final JobRows rows;
    private final ImageStore files;
    private final FairOrder order;
    private final Usage usage;

    JobKeeping(JobRows rows, ImageStore files) {
        this.rows = rows;
        this.files = files;
        this.order = new FairOrder(rows.sql);
        this.usage = new Usage(rows.sql);
    }

    /** Ends the jobs whose time is up. @return their ids */
    List<String> expire() {
        List<String> ids = rows.sql
                .sql("select id from job where (state = 'queued' or state = 'running') and expires_at <= ?")
                .param(JobRows.utc(rows.now()))
                .query(String.class)
                .list();
        for (String id : ids) {
            rows.inTransaction(
                    () -> rows.lock(id).filter(job -> !job.state().isFinal()).ifPresent(job -> {
                        job.expire();
                        rows.save(job);
                    }));
        }
        return ids;
    }

    /** Deletes the jobs that ended before {@code time}, with their events; their pictures are deleted by {@link #deleteImages}. */
    void deleteEndedBefore(Instant time) {
        List<String> ids;
        int failed;
        do {
            failed = 0;
            ids = rows.sql
                    .sql("select id from job where finished_at < ? order by finished_at limit ?")
                    .params(JobRows.utc(time), AT_ONCE)
                    .query(String.class)
                    .list();
            for (String id : ids) {
                try {
                    delete(id);
                } catch (RuntimeException e) {
                    failed++;
                    log.warn("Job {} is over and cannot be deleted; it is tried again: {}", id, e.getMessage());
                }
            }
        } while (ids.size() == AT_ONCE && failed < AT_ONCE);
    }

    void delete(String id) {
        rows.inTransaction(() -> rows.lock(id).ifPresent(job -> {
            rows.images(List.of(id)).getOrDefault(id, List.of()).stream()
                    .map(Job.Image::hash)
                    .distinct()
                    .sorted()
                    .forEach(this::planDeletion);
            rows.sql.sql("delete from job where id = ?").param(id).update();
        }));
    }

    /** What is deleted already is deleted a bit later. */
    private void planDeletion(String hash) {
        int known = rows.sql
                .sql("update image_deletion set since = ? where hash = ? and begun = false")
                .params(JobRows.utc(rows.now()), hash)
                .update();
        if (known == 0) {
            rows.sql.sql("""
                            insert into image_deletion (hash, since)
                            select ?, ? where not exists (select 1 from image_deletion where hash = ?)""").params(hash, JobRows.utc(rows.now()), hash).update();
        }
    }

    /**
     * Deletes the files of deleted jobs that no other job has: rows first, then the file, whatever happens in between. One that
     * cannot be deleted is tried again at the next call and keeps no other from being deleted.
     *
     * @param grace for so long after its job a file is left alone, longer than any transaction lasts that may still name it
     */
    void deleteImages(Duration grace) {
        List<String> failed = new ArrayList<>();
        for (String hash : due(grace)) {
            try {
                long start = System.nanoTime();
                if (begin(hash, grace) && System.nanoTime() - start < AT_ONCE_OR_NEVER.toNanos()) {
                    files.delete(hash);
                    rows.sql
                            .sql("delete from image_deletion where hash = ?")
                            .param(hash)
                            .update();
                }
            } catch (RuntimeException e) {
                failed.add(hash);
                log.debug("The picture {} is not deleted yet", hash, e);
            }
        }
        if (!failed.isEmpty()) {
            log.warn(
                    "{} pictures of deleted jobs cannot be deleted and are tried again, the first {}",
                    failed.size(),
                    failed.get(0));
        }
    }

    private List<String> due(Duration grace) {
        return rows.sql
                .sql(
                        "select hash from image_deletion where (begun = false and since <= ?) or (begun = true and since < ?)")
                .params(
                        JobRows.utc(rows.now().minus(grace)),
                        JobRows.utc(rows.now().minus(STUCK)))
                .query(String.class)
                .list();
    }

    /** @return whether the file is to be deleted, by this process */
    private boolean begin(String hash, Duration grace) {
        return rows.inTransaction(() -> {
            boolean mine = rows.sql
                    .sql(
                            "select hash from image_deletion where hash = ? and ((begun = false and since <= ?) or since < ?)"
                                    + " for update")
                    .params(
                            hash,
                            JobRows.utc(rows.now().minus(grace)),
                            JobRows.utc(rows.now().minus(STUCK)))
                    .query(String.class)
                    .optional()
                    .isPresent();
            if (!mine) {
                return false;
            }
            boolean used = rows.sql
                    .sql("select 1 from job_image where hash = ? limit 1")
                    .param(hash)
                    .query(Integer.class)
                    .optional()
                    .isPresent();
            rows.sql
                    .sql(
                            used
                                    ? "delete from image_deletion where hash = :hash"
                                    : "update image_deletion set begun = true, since = :now where hash = :hash")
                    .param("hash", hash)
                    .param("now", JobRows.utc(rows.now()))
                    .update();
            return !used;
        });
    }

    /** Forgets the steps and previews of the jobs that ended in this time: nobody resumes a stream there any more. */
    void forgetStepsOfJobsEnded(Instant from, Instant to) {
        List<String> ids = rows.sql
                .sql("select id from job where finished_at >= ? and finished_at < ?")
                .params(JobRows.utc(from), JobRows.utc(to))
                .query(String.class)
                .list();
        for (int i = 0; i < ids.size(); i += AT_ONCE) {
            List<String> some = ids.subList(i, Math.min(ids.size(), i + AT_ONCE));
            for (String statement : List.of(
                    "delete from job_event where job_id in (:ids) and type = 'step'",
                    "delete from job_preview where job_id in (:ids)")) {
                rows.sql.sql(statement).param("ids", some).update();
            }
        }
    }

    void forgetFlowsIfIdle() {
        order.forgetIfIdle();
    }

    void forgetOldUsage() {
        usage.forgetDaysBefore(rows.now());
    }

    /** The newest thing to know of each job: its end, or that it goes on. */
    Map<String, JobEvent.Type> newestEvents(Collection<String> ids) {
        Map<String, JobEvent.Type> newest = new HashMap<>();
        if (!ids.isEmpty()) {
            rows.sql
                    .sql("select id, state from job where id in (:ids)")
                    .param("ids", ids)
                    .query(row -> {
                        newest.put(
                                row.getString("id"),
                                switch (JobRows.state(row)) {
                                    case QUEUED, RUNNING -> JobEvent.Type.STEP;
                                    case SUCCEEDED -> JobEvent.Type.SUCCEEDED;
                                    case FAILED -> JobEvent.Type.FAILED;
                                    case CANCELED -> JobEvent.Type.CANCELED;
                                });
                    });
        }
        return newest;
    }
}
