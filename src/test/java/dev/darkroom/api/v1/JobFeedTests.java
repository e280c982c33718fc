package dev.darkroom.api.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.job.JobEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessResourceFailureException;

class JobFeedTests {

    private final List<Long> reads = new ArrayList<>();
    private long events;
    private boolean away;
    private final JobFeed feed = new JobFeed(this::rows);

    private synchronized List<JobFeed.News> rows(long after) {
        reads.add(after);
        if (away) {
            throw new DataAccessResourceFailureException("away");
        }
        return LongStream.rangeClosed(after + 1, events)
                .mapToObj(sequence -> new JobFeed.News(
                        new JobEvent(sequence, JobEvent.Type.STEP, "{}", Instant.EPOCH), null, List.of()))
                .toList();
    }

    private void happen(int count) {
        events += count;
        feed.outdate();
    }

    private List<Long> after(long sequence) {
        return feed.after(sequence).stream().map(JobFeed.News::sequence).toList();
    }

    @Test
    void eventsAreReadOnceForManyStreams() throws Exception {
        ExecutorService streams = Executors.newFixedThreadPool(20);
        happen(3);
        for (int round = 0; round < 10; round++) {
            CyclicBarrier together = new CyclicBarrier(20);
            List<Future<List<Long>>> taken = new ArrayList<>();
            long seen = events - 3;
            for (int i = 0; i < 20; i++) {
                taken.add(streams.submit(() -> {
                    together.await();
                    return after(seen);
                }));
            }
            for (Future<List<Long>> one : taken) {
                assertThat(one.get(10, TimeUnit.SECONDS)).containsExactly(seen + 1, seen + 2, seen + 3);
            }
            happen(3);
        }
        streams.shutdownNow();
        assertThat(reads).hasSize(10).doesNotHaveDuplicates();
    }

    @Test
    void aStreamThatResumesBeforeWhatIsKeptReadsForItselfAndThenGoesOnWithTheOthers() {
        happen(10);
        assertThat(after(7)).containsExactly(8L, 9L, 10L);
        assertThat(after(2)).containsExactly(3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L);
        happen(1);
        assertThat(after(10)).containsExactly(11L);
        assertThat(after(10)).containsExactly(11L);
        assertThat(reads).containsExactly(7L, 2L, 10L);
    }

    @Test
    void aStreamThatHasMoreThanIsKnownHereGetsWhatComesAfterThat() {
        happen(4);
        assertThat(after(1)).containsExactly(2L, 3L, 4L);
        assertThat(after(5)).isEmpty(); // it read for itself, and its event was not heard of here yet
        happen(2);
        assertThat(after(5)).containsExactly(6L);
        assertThat(after(4)).containsExactly(5L, 6L);
    }

    @Test
    void onlyTheNewestEventsAreKeptAndASlowStreamMissesNothing() {
        assertThat(after(0)).isEmpty();
        List<Long> all = new ArrayList<>();
        for (int i = 0; i < 2 * JobFeed.KEPT; i++) {
            happen(1);
            all.addAll(after(i));
        }
        assertThat(all).hasSize(2 * JobFeed.KEPT);
        reads.clear();
        assertThat(after(JobFeed.KEPT)).hasSize(JobFeed.KEPT);
        assertThat(reads).isEmpty();
        assertThat(after(0)).isEqualTo(all);
        assertThat(after(JobFeed.KEPT - 1)).hasSize(JobFeed.KEPT + 1);
        assertThat(reads).containsExactly(0L, (long) JobFeed.KEPT - 1);
    }

    @Test
    void oneStreamAsksADatabaseThatIsAwayAndNothingIsMissedAfterwards() {
        happen(2);
        assertThat(after(0)).containsExactly(1L, 2L);
        away = true;
        happen(2);
        assertThatThrownBy(() -> feed.after(2)).isInstanceOf(DataAccessResourceFailureException.class);
        assertThat(after(2)).isEmpty();
        assertThat(reads).hasSize(2);
        away = false;
        feed.outdate();
        assertThat(after(2)).containsExactly(3L, 4L);
    }

    @Test
    void whoeverFollowsIsWokenUntilHeLeaves() {
        List<String> woken = new ArrayList<>();
        Runnable first = () -> woken.add("first");
        Runnable second = () -> woken.add("second");
        feed.join(first);
        feed.join(second);
        feed.wake();
        assertThat(feed.leave(first)).isFalse();
        feed.wake();
        assertThat(feed.leave(second)).isTrue();
        feed.wake();
        assertThat(woken).containsExactlyInAnyOrder("first", "second", "second");
    }
}
