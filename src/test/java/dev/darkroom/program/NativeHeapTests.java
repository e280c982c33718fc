package dev.darkroom.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class NativeHeapTests {
    @Test
    @EnabledOnOs(OS.LINUX)
    void severalThreadsInTurnGetTheMainHeap() throws Exception {
        List<Boolean> main = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            FutureTask<Boolean> look = new FutureTask<>(NativeHeap::isMainHeap);
            NativeHeap.start("looking", look).join();
            main.add(look.get());
        }
        assertThat(main).containsOnly(true);
    }

    @Test
    void workThatFailsEndsOnlyItsThread() throws Exception {
        Thread thread = NativeHeap.start("failing", () -> {
            throw new IllegalStateException("on purpose");
        });
        thread.join();
        assertThat(thread.isAlive()).isFalse();
    }
}
