package dev.darkroom.job;

import dev.darkroom.blobs.ImageBeingDeleted;
import dev.darkroom.job.JobRows.Locked;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;

/**
 * The rows of jobs as workers use them. What a worker writes carries the number of its claim and changes nothing when the row
 * belongs to another: a worker that was taken for dead does no harm.
 */
@Component
class ClaimStore {

    /** So often may a job's worker die; a job that kills its workers is not tried for ever. */
    static final int MAX_DEATHS = 3;

    private final JobRows rows;

    ClaimStore(JobRows rows) {
        this.rows = rows;
    }

    /**
     * Makes {@code claim} the only one that may write this job. A job that an earlier claim had begun is queued again.
     *
     * @param claim version of the queue entry's pick; rises with every pick
     * @return empty if nothing is left to do: the job has ended, or it ends now, because a client asked for it, its time
     *     is up or its workers died too often
     */
    Optional<Job> claim(String id, long claim) {
        rows.inTransaction(() -> rows.lock(id)
                .filter(job -> !job.state().isFinal())
                .ifPresent(job -> {
                    job.claimedBy(claim);
                    if (job.cancelRequested) {
                        job.change(JobState.CANCELED, JobEvent.Type.CANCELED);
                    } else if (job.expired(rows.now())) {
                        job.expire();
                    } else if (job.deaths() >= MAX_DEATHS) {
                        job.fail(
                                FailureCode.INTERRUPTED_TOO_OFTEN,
                                "its worker died " + job.deaths() + " times while drawing it");
                    } else if (job.state() == JobState.RUNNING) {
                        job.change(JobState.QUEUED, JobEvent.Type.QUEUED);
                    }
                    rows.save(job);
                }));
        return rows.find(id).filter(job -> !job.state().isFinal());
    }

    /** Ends a job that no worker can draw. */
    void fail(String id, long claim, FailureCode code, String message) {
        rows.inTransaction(() -> rows.lock(id)
                .filter(job -> job.claim == claim && !job.state().isFinal())
                .ifPresent(job -> {
                    job.fail(code, message);
                    rows.save(job);
                }));
    }

    /**
     * Writes the entries in one transaction, those of a claim in their order. Does nothing that an earlier try has done, whose
     * commit was not acknowledged.
     *
     * @param again whether there was an earlier try
     * @return the claims that are lost: the job belongs to another claim, or has ended
     * @throws ImageBeingDeleted if the file of a picture is being deleted, which an earlier job had as well
     */
    Set<Claim> write(List<Entry> entries, boolean again) {
        Map<Claim, List<Entry>> byClaim =
                entries.stream().collect(Collectors.groupingBy(Entry::claim, LinkedHashMap::new, Collectors.toList()));
        return rows.inTransaction(() -> {
            Map<String, Locked> jobs =
                    rows.lock(byClaim.keySet().stream().map(Claim::jobId).toList());
            Writing writing = new Writing(rows.images(entries.stream()
                    .filter(entry -> entry instanceof Entry.Drawn || entry instanceof Entry.Started)
                    .map(entry -> entry.claim().jobId())
                    .distinct()
                    .toList()));
            Set<Claim> lost = new HashSet<>();
            byClaim.forEach((claim, its) -> {
                Locked job = jobs.get(claim.jobId());
                if (again && job != null && claim.wrote(job.lastEvent())) {
                    return;
                }
                if (job == null || job.claim != claim.number() || job.state().isFinal()) {
                    lost.add(claim);
                    return;
                }
                writing.write(job, its);
                claim.writes(job.lastEvent());
            });
            writing.save();
            return lost;
        });
    }

    /**
     * The file of this name is about to be stored: it is not deleted any more as an earlier job's.
     *
     * @throws ImageBeingDeleted if its deletion has begun
     */
    void keep(String hash) {
        rows.inTransaction(() -> keep(List.of(hash)));
    }

    private void keep(List<String> hashes) {
        Map<String, Boolean> deletions = new LinkedHashMap<>();
        rows.sql
                .sql("select hash, begun from image_deletion where hash in (:hashes) order by hash for update")
                .param("hashes", hashes)
                .query(row -> {
                    deletions.put(row.getString("hash"), row.getBoolean("begun"));
                });
        deletions.forEach((hash, begun) -> {
            if (begun) {
                throw new ImageBeingDeleted(hash);
            }
            rows.sql
                    .sql("delete from image_deletion where hash = ?")
                    .param(hash)
                    .update();
        });
    }

    /**
     * The worker of this claim has died: its heartbeats are missing. Nobody may write the job until it is claimed again.
     *
     * @return whether it had begun the job, which counts against the job
     */
    boolean died(String id, long claim) {
        return rows.inTransaction(() -> {
            Optional<Locked> job = rows.lock(id).filter(row -> row.claim == claim && row.state() == JobState.RUNNING);
            job.ifPresent(row -> {
                row.died();
                rows.save(row);
            });
            return job.isPresent();
        });
    }

    /** Start tags of the jobs that nobody holds, the lowest first. */
    List<Long> waitingTags(int atMost) {
        return rows.sql.sql("""
                        select start_tag from job join scheduled_tasks on task_instance = id
                        where picked = false and state = 'queued' order by start_tag limit ?""").param(atMost).query(Long.class).list();
    }

    /** The running jobs that clients want stopped. */
    Set<String> cancelRequests() {
        return new HashSet<>(rows.sql
                .sql("select id from job where state = 'running' and cancel_requested = true")
                .query(String.class)
                .list());
    }

    /**
     * Frees everything that a process held which is certainly dead: its queue entries are due again and its running
     * jobs wait again. Only for a database that one process uses at a time.
     */
    void releaseAll() {
        rows.inTransaction(() -> {
            rows.sql.sql("""
                            update scheduled_tasks
                            set picked = false, picked_by = null, last_heartbeat = null, version = version + 1
                            where picked = true""").update();
            List<String> running = rows.sql
                    .sql("select id from job where state = 'running'")
                    .query(String.class)
                    .list();
            for (Locked job : rows.lock(running).values()) {
                job.died();
                job.change(JobState.QUEUED, JobEvent.Type.QUEUED);
                rows.save(job);
            }
        });
    }

    /** What one transaction writes. */
    final class Writing {
        final List<Object[]> previews = new ArrayList<>();
        final List<Object[]> newImages = new ArrayList<>();
        private final Map<String, List<Job.Image>> images;
        private final List<Locked> changed = new ArrayList<>();

        private Writing(Map<String, List<Job.Image>> images) {
            this.images = images;
        }

        /** The job's recorded pictures; to be added to. */
        List<Job.Image> images(String jobId) {
            return images.computeIfAbsent(jobId, id -> new ArrayList<>());
        }

        private void write(Locked job, List<Entry> entries) {
            changed.add(job);
            for (Entry entry : entries) {
                if (!job.state().isFinal()) {
                    entry.write(job, this);
                }
            }
        }

        private void save() {
            if (!newImages.isEmpty()) {
                keep(newImages.stream().map(row -> (String) row[3]).distinct().toList());
            }
            rows.save(changed);
            rows.batch("insert into job_preview (job_id, position, sequence, jpeg) values (?, ?, ?, ?)", previews);
            rows.batch("insert into job_image (job_id, position, seed, hash, bytes) values (?, ?, ?, ?, ?)", newImages);
        }
    }
}
