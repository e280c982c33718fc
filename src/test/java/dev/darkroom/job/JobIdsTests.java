package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class JobIdsTests {

    @Test
    void idsSortByTime() {
        List<String> ids = Stream.of(0L, 1L, 31L, 32L, 1_700_000_000_000L, 1_700_000_000_001L, (1L << 48) - 1)
                .map(Instant::ofEpochMilli)
                .map(JobIds::at)
                .toList();
        assertThat(ids).isSorted().allMatch(id -> id.matches("job_[0-9a-hjkmnp-tv-z]{26}"));
    }

    @Test
    void idsOfOneMillisecondDiffer() {
        Instant now = Instant.now();
        assertThat(Stream.generate(() -> JobIds.at(now)).limit(1000)).doesNotHaveDuplicates();
    }
}
