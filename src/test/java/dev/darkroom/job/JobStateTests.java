package dev.darkroom.job;

import static dev.darkroom.job.JobState.CANCELED;
import static dev.darkroom.job.JobState.FAILED;
import static dev.darkroom.job.JobState.QUEUED;
import static dev.darkroom.job.JobState.RUNNING;
import static dev.darkroom.job.JobState.SUCCEEDED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class JobStateTests {

    @Test
    void aQueuedJobCanRunFailOrBeCanceled() {
        assertThat(next(QUEUED)).containsExactly(RUNNING, FAILED, CANCELED);
    }

    @Test
    void aRunningJobCanEndAnyWayOrGoBackToTheQueue() {
        assertThat(next(RUNNING)).containsExactly(QUEUED, SUCCEEDED, FAILED, CANCELED);
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"SUCCEEDED", "FAILED", "CANCELED"})
    void nothingFollowsAnEnd(JobState end) {
        assertThat(next(end)).isEmpty();
        assertThat(end.isFinal()).isTrue();
    }

    private static JobState[] next(JobState state) {
        return Arrays.stream(JobState.values()).filter(state::canBecome).toArray(JobState[]::new);
    }
}
