package dev.darkroom.worker;

import dev.darkroom.job.Claim;
import dev.darkroom.job.ClaimLost;
import dev.darkroom.job.Claims;
import dev.darkroom.job.Entry;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.observe.Stages;
import dev.darkroom.observe.Stages.Stage;
import dev.darkroom.picture.Picture;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.Output;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;

/**
 * Writes down what happens on a device: neither the database nor the encoding and storing of pictures holds up the next step.
 * One thread writes all that has come up in one transaction; files are made and stored by a few others. What a claim ends with
 * is written after its pictures. When a store is away, what waits is bounded in bytes; then the device waits as well.
 */
final class Recorder {
    private static final Logger log = LoggerFactory.getLogger(Recorder.class);

    /** The job's id in structured logs. */
    static final String JOB_ID = "job_id";

    private static final long MAX_BYTES = 256L << 20;
    private static final int MAX_ENTRIES = 2000;
    private static final int BYTES_OF_A_STEP = 400;

    /** What is to be written, and how much memory it keeps. */
    private record Item(Supplier<Entry> entry, long bytes) {}

    private final Claims claims;
    private final Metrics metrics;
    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
    private final AtomicLong bytes = new AtomicLong();
    private final Object room = new Object();
    private final Map<Claim, CompletableFuture<?>> files = new ConcurrentHashMap<>();
    private final ExecutorService encoders;
    private final Thread writer;
    private volatile boolean closing;

    Recorder(String device, Claims claims, Metrics metrics) {
        this.claims = claims;
        this.metrics = metrics;
        metrics.gauge(Metric.UNRECORDED, bytes::get, device);
        CustomizableThreadFactory names = new CustomizableThreadFactory(device + "-files-");
        names.setDaemon(true);
        encoders = Executors.newFixedThreadPool(
                Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2)), names);
        writer = new Thread(this::write, device + "-recorder");
        writer.setDaemon(true);
        writer.start();
    }

    /** @param rows of a picture */
    void started(Claim claim, int rows, int evaluations) {
        Entry entry = claim.started(rows, evaluations);
        put(new Item(() -> entry, BYTES_OF_A_STEP));
    }

    /** @param preview what the picture looks like; null for none */
    void stepped(Claim claim, int image, int step, int steps, @Nullable Picture preview) {
        claim.stepped(image, step == steps);
        put(new Item(
                () -> claim.step(image, step, steps, preview == null ? null : jpeg(preview)),
                BYTES_OF_A_STEP + (preview == null ? 0 : bytes(preview))));
    }

    private static byte[] jpeg(Picture preview) {
        return PictureFile.encode(preview, Output.of(OutputFormat.JPEG), null);
    }

    void drawn(Claim claim, Request request, int image, long seed, Picture picture, Stages stages) {
        long size = bytes(picture);
        take(size);
        CompletableFuture<?> file = CompletableFuture.runAsync(
                () -> {
                    try (MDC.MDCCloseable id = MDC.putCloseable(JOB_ID, claim.jobId())) {
                        long start = System.nanoTime();
                        byte[] png = PictureFile.encode(picture, Output.PNG, Recipe.of(request, image));
                        metrics.time(Metric.ENCODE_IMAGE, stages.add(Stage.STORE, start, 1));
                        start = System.nanoTime();
                        String hash = claims.store(claim, png);
                        metrics.time(Metric.STORE, stages.add(Stage.STORE, start, 1));
                        items.add(new Item(() -> claim.drawn(image, seed, png, hash, stages), size));
                    } catch (ClaimLost e) {
                        give(size);
                    } catch (RuntimeException | Error e) {
                        log.warn("Job {} is let go and tried again: its picture cannot be stored", claim.jobId(), e);
                        items.add(new Item(claim::released, size));
                    }
                },
                encoders);
        files.merge(claim, file, (before, now) -> CompletableFuture.allOf(before, now));
        file.whenComplete((done, failure) -> files.computeIfPresent(claim, (c, all) -> all.isDone() ? null : all));
    }

    /** Writes the entry, with which its claim ends, after the claim's pictures. */
    void ended(Entry entry) {
        take(BYTES_OF_A_STEP);
        Item item = new Item(() -> entry, BYTES_OF_A_STEP);
        CompletableFuture<?> before = files.get(entry.claim());
        if (before == null) {
            items.add(item);
        } else {
            before.whenComplete((done, failure) -> items.add(item));
        }
    }

    private void put(Item item) {
        take(item.bytes);
        items.add(item);
    }

    private static long bytes(Picture picture) {
        return 3L * picture.width() * picture.height();
    }

    /** Waits for room, but never for more than what is there. */
    private void take(long size) {
        synchronized (room) {
            while (bytes.get() > 0 && bytes.get() + size > MAX_BYTES && !closing) {
                try {
                    room.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("interrupted while what was drawn cannot be recorded", e);
                }
            }
            bytes.addAndGet(size);
        }
    }

    private void give(long size) {
        synchronized (room) {
            bytes.addAndGet(-size);
            room.notifyAll();
        }
    }

    private void write() {
        List<Item> some = new ArrayList<>();
        while (!closing || bytes.get() > 0) {
            try {
                Item first = items.poll(100, TimeUnit.MILLISECONDS);
                if (first != null) {
                    some.add(first);
                    items.drainTo(some, MAX_ENTRIES - 1);
                    claims.write(some.stream().map(item -> item.entry.get()).toList());
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException | Error e) {
                log.error("What was drawn cannot be recorded; the jobs are tried again when this process has ended", e);
            }
            give(some.stream().mapToLong(Item::bytes).sum());
            some.clear();
        }
    }

    /** Waits until everything is written. */
    void close() {
        closing = true;
        synchronized (room) {
            room.notifyAll();
        }
        boolean interrupted = false;
        while (writer.isAlive()) {
            try {
                writer.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        encoders.shutdown();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
