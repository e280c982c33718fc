package dev.darkroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarStyle;
import org.junit.jupiter.api.Test;

class BarsTests {

    @Test
    void whereThereIsNoTerminalALineEveryFiveSecondsSaysHowFarItIs() {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        AtomicLong seconds = new AtomicLong();
        Bars.Lines lines = new Bars.Lines(
                new PrintStream(written, true, StandardCharsets.UTF_8), () -> Instant.ofEpochSecond(seconds.get()));
        try (ProgressBar bar = ProgressBar.builder()
                .setTaskName("Drawing")
                .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                .setInitialMax(150)
                .setUpdateIntervalMillis(1_000_000)
                .setConsumer(lines)
                .build()) {
            for (int second = 1; second <= 11; second++) {
                seconds.set(second);
                bar.stepTo(second);
                bar.refresh();
            }
        }
        assertThat(written.toString(StandardCharsets.UTF_8).lines())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).matches("Drawing \\d+% \\d+/150 \\(.*\\)"))
                .anySatisfy(line -> assertThat(line).contains(" 5/150 "))
                .anySatisfy(line -> assertThat(line).contains(" 10/150 "));
    }
}
