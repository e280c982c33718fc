package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TurnsTests {

    private static final Duration LONG = Duration.ofSeconds(30);

    private final Turns turns = new Turns(1);
    private final List<String> served = new CopyOnWriteArrayList<>();
    private final List<Thread> waiting = new ArrayList<>();

    @Test
    void aCallerWithFewRequestsIsServedBeforeTheManyOfAnother() throws Exception {
        assertThat(turns.take("greedy", () -> 0)).isTrue();
        for (int i = 0; i < 20; i++) {
            come("greedy", LONG);
        }
        come("modest", LONG);
        come("modest", LONG);
        turns.give();
        await().atMost(LONG).until(() -> served.size() == 22);
        assertThat(served.subList(0, 5)).containsExactly("greedy", "modest", "greedy", "modest", "greedy");
    }

    @Test
    void whoGivesUpLeavesHisPlaceToOthers() throws Exception {
        assertThat(turns.take("a", () -> 0)).isTrue();
        assertThat(turns.take("b", () -> 0)).isFalse();
        come("b", Duration.ofMillis(1));
        waiting.get(0).join();
        assertThat(served).isEmpty();
        come("c", LONG);
        come("d", LONG);
        waiting.get(1).interrupt();
        waiting.get(1).join();
        turns.give();
        await().atMost(LONG).until(() -> served.equals(List.of("d")));
        waiting.get(2).join();
        assertThat(turns.take("a", () -> 0)).as("is free again").isTrue();
    }

    /** Comes on a thread of its own, and gives back what it gets. */
    private void come(String caller, Duration patience) {
        long until = System.nanoTime() + patience.toNanos();
        Thread thread = new Thread(() -> {
            try {
                if (turns.take(caller, () -> until - System.nanoTime())) {
                    served.add(caller);
                    turns.give();
                }
            } catch (InterruptedException e) {
                // Has left.
            }
        });
        thread.start();
        waiting.add(thread);
        await().atMost(LONG)
                .pollInterval(1, TimeUnit.MILLISECONDS)
                .until(() -> thread.getState() == Thread.State.TIMED_WAITING
                        || thread.getState() == Thread.State.TERMINATED);
    }
}
