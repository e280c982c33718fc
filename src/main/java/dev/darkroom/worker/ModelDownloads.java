package dev.darkroom.worker;

import dev.darkroom.library.hub.DownloadFailed;
import dev.darkroom.library.hub.Hub;
import dev.darkroom.library.hub.ModelName;
import dev.darkroom.library.hub.Progress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fetches the models of the settings before they are loaded. One that cannot be had is logged and left out. */
final class ModelDownloads {
    private static final Logger log = LoggerFactory.getLogger(ModelDownloads.class);

    private final AtomicReference<@Nullable Thread> fetching = new AtomicReference<>();
    private volatile boolean stopped;

    /** @throws InterruptedException once {@link #stop} was called */
    void fetch(List<ModelName> models, Path folder) throws InterruptedException {
        Thread here = Thread.currentThread();
        fetching.set(here);
        if (stopped) {
            throw new InterruptedException();
        }
        for (ModelName model : models) {
            try {
                Hub.of(System.getenv()).download(model, folder, new Log(model));
            } catch (DownloadFailed | IllegalArgumentException e) {
                log.error("Model {} is left out, it could not be fetched: {}", model, e.getMessage());
            }
        }
        if (!fetching.compareAndSet(here, null)) {
            throw new InterruptedException();
        }
    }

    /** Interrupts the fetching thread, but not what it does afterwards: the database would not survive that. */
    void stop() {
        stopped = true;
        Thread thread = fetching.getAndSet(null);
        if (thread != null) {
            thread.interrupt();
        }
    }

    /** A line every few seconds. */
    private static final class Log implements Progress {
        private static final Duration INTERVAL = Duration.ofSeconds(5);

        private final ModelName model;
        private long start;
        private long doneAtStart;
        private long next;

        Log(ModelName model) {
            this.model = model;
        }

        @Override
        public void update(String file, long done, long total) {
            long now = System.nanoTime();
            if (start == 0) {
                start = now;
                next = now;
                doneAtStart = done;
            }
            if (now - next >= 0) {
                next = now + INTERVAL.toNanos();
                double seconds = (now - start) / 1e9;
                log.info("Fetching {}: {}", model, describe(done - doneAtStart, seconds, done, total));
            }
        }
    }

    /**
     * @param arrived bytes that came in so many seconds
     * @param done bytes there, those of earlier attempts included
     */
    static String describe(long arrived, double seconds, long done, long total) {
        String text = String.format(Locale.ROOT, "%.1f of %.1f MB", done / 1e6, total / 1e6);
        if (arrived <= 0 || seconds <= 0) {
            return text;
        }
        double rate = arrived / seconds;
        return text + String.format(Locale.ROOT, ", %.1f MB/s, %.0f s left", rate / 1e6, (total - done) / rate);
    }
}
