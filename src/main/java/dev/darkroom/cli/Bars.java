package dev.darkroom.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress bars, on the terminal behind the errors; where these go into a file or a pipe, a line now and then of what takes long. */
final class Bars {
    private Bars() {}

    /** A bar with this name, to be built. */
    static ProgressBarBuilder of(String task) {
        ProgressBarBuilder bar = ProgressBar.builder()
                .setTaskName(task)
                .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                .setUpdateIntervalMillis(100);
        return OwnProcess.isTerminal(2) ? bar : bar.setConsumer(new Lines(System.err, InstantSource.system()));
    }

    /** What a bar says, without the bar. */
    static final class Lines implements ProgressBarConsumer {
        private static final Duration OFTEN = Duration.ofSeconds(5);

        private final PrintStream out;
        private final InstantSource clock;
        private Instant next;

        Lines(PrintStream out, InstantSource clock) {
            this.out = out;
            this.clock = clock;
            this.next = clock.instant().plus(OFTEN);
        }

        @Override
        public int getMaxRenderedLength() {
            return 100;
        }

        @Override
        public void accept(String rendered) {
            if (!clock.instant().isBefore(next)) {
                next = clock.instant().plus(OFTEN);
                out.println(rendered.replaceAll("│.*│|\\|.*\\|", "")
                        .replaceAll("\\s+", " ")
                        .strip());
            }
        }

        @Override
        public void close() {}
    }
}
