package dev.darkroom.job;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** What the rows of jobs say about all of them. Each end is counted by the process that wrote it. */
@Component
class JobMeters {

    private static final Logger log = LoggerFactory.getLogger(JobMeters.class);

    private final JobStore store;

    JobMeters(Metrics metrics, JobStore store, JobEvents events) {
        this.store = store;
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
            }
        });
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
