package dev.darkroom.job;

import dev.darkroom.observe.Build;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** What the rows of jobs say about all of them. Each end is counted by the process that wrote it. */
@Component
class JobMeters {

    private static final Logger log = LoggerFactory.getLogger(JobMeters.class);

    /** The field of a log line about a job. */
    private static final String JOB_ID = "job_id";

    private final JobStore store;

    JobMeters(Metrics metrics, JobStore store, JobEvents events) {
        this.store = store;
        metrics.gauge(Metric.BUILD, () -> 1, Build.THIS.version(), Build.THIS.revision());
        for (JobState state : JobState.values()) {
            if (state.isFinal()) {
                metrics.count(Metric.JOBS, 0, state.id());
            } else {
                metrics.gauge(Metric.QUEUE_JOBS, () -> count(state), state.id());
            }
        }
        events.onOwn((id, type) -> {
            if (type.isFinal()) {
                metrics.count(Metric.JOBS, 1, type.id());
                say(id, type);
            }
        });
    }

    /** The line of a job's end; the only one of most jobs. */
    private void say(String id, JobEvent.Type end) {
        try (MDC.MDCCloseable field = MDC.putCloseable(JOB_ID, id)) {
            log.info("Job {} {}", id, store.find(id).map(JobMeters::described).orElse(end.id()));
        } catch (DataAccessException | TransactionException e) {
            log.info("Job {} {}", id, end.id());
        }
    }

    private static String described(Job job) {
        StringBuilder line = new StringBuilder(job.state().id());
        if (job.failure() != null) {
            line.append(" with ").append(job.failure().code());
        }
        job.readable()
                .ifPresent(request -> line.append(": ")
                        .append(job.images().size())
                        .append(" of ")
                        .append(request.seeds().count())
                        .append(" pictures of ")
                        .append(request.model()));
        Instant end = job.finishedAt();
        if (end != null) {
            Instant begin = job.startedAt();
            line.append(
                    begin == null
                            ? ""
                            : ", waited " + millis(job.createdAt(), begin) + " ms, took " + millis(begin, end) + " ms");
        }
        return line.toString();
    }

    private static long millis(Instant from, Instant to) {
        return Math.max(0, Duration.between(from, to).toMillis());
    }

    private double count(JobState state) {
        try {
            return store.count(state);
        } catch (DataAccessException | TransactionException e) {
            log.debug("The jobs cannot be counted", e);
            return Double.NaN;
        }
    }
}
