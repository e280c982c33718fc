package dev.darkroom.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress bars, on the terminal behind the errors; nothing where these go into a file or a pipe. */
final class Bars {
    private Bars() {}

    /** A bar with this name, to be built. */
    static ProgressBarBuilder of(String task) {
        ProgressBarBuilder bar = ProgressBar.builder()
                .setTaskName(task)
                .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                .setUpdateIntervalMillis(100);
        return OwnProcess.isTerminal(2) ? bar : bar.setConsumer(new Nowhere());
    }

    private static final class Nowhere implements ProgressBarConsumer {
        @Override
        public int getMaxRenderedLength() {
            return 80;
        }

        @Override
        public void accept(String rendered) {}

        @Override
        public void close() {}
    }
}
