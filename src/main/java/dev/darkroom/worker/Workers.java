package dev.darkroom.worker;

import dev.darkroom.fleet.Models;
import dev.darkroom.job.Claim;
import dev.darkroom.job.Claims;
import dev.darkroom.job.JobQueue;
import dev.darkroom.library.LoadedModels;
import dev.darkroom.library.ModelLibrary;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.pipeline.DeviceMemory;
import dev.darkroom.pipeline.DeviceThread;
import dev.darkroom.request.Cost;
import dev.darkroom.request.ModelInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * One {@link DeviceWorker} for each device, each on a thread of its own, and the {@link Intake} that brings them jobs. When one
 * fails, the others go on with its jobs; when the last one has failed, this process draws no more.
 */
@Component
final class Workers implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(Workers.class);

    /** After the drain: time for the call in progress to end and for its jobs to be given back. */
    private static final Duration LAST_CALL = Duration.ofSeconds(5);

    /** What has become of a device. */
    enum State {
        LOADING,
        WORKING,
        FAILED
    }

    private final JobQueue queue;
    private final Claims claims;
    private final Models models;
    private final WorkerSettings settings;
    private final Metrics metrics;
    private final Supplier<ModelLibrary> library;

    private final Map<String, State> states = Collections.synchronizedMap(new LinkedHashMap<>());
    private volatile boolean stopping;
    private volatile ModelDownloads downloads = new ModelDownloads();
    private volatile List<DeviceWorker> running = List.of();
    private volatile @Nullable Thread thread;

    /** @param library looks for the models; asked when those of the settings have been fetched */
    Workers(
            JobQueue queue,
            Claims claims,
            Models models,
            WorkerSettings settings,
            Metrics metrics,
            Supplier<ModelLibrary> library) {
        this.queue = queue;
        this.claims = claims;
        this.models = models;
        this.settings = settings;
        this.metrics = metrics;
        this.library = library;
    }

    private void run() {
        @Nullable Intake intake = null;
        List<Thread> threads = new ArrayList<>();
        try {
            downloads.fetch(settings.models(), settings.modelsFolder());
            ModelLibrary models = library.get();
            Intake jobs = new Intake(queue, job -> rows(job, models), 2 * settings.maxRows());
            intake = jobs;
            List<String> names = new ArrayList<>();
            for (int i = 0; i < models.devices().size(); i++) {
                names.add("device-" + i + " " + models.devices().get(i));
                states.put(names.get(i), State.LOADING);
            }
            for (int i = 0; i < names.size(); i++) {
                String name = names.get(i);
                String device = models.devices().get(i);
                threads.add(DeviceThread.start(name, () -> draw(name, device, models, jobs)));
            }
            queue.open((settings.maxRows() * names.size() * 3 + 1) / 2, jobs::add);
            jobs.watch(() -> !stopping && !failed());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            states.put("models", State.FAILED);
            log.error("The workers have failed; no more pictures are drawn until the next start", e);
        } finally {
            end(intake, threads);
        }
    }

    private static int rows(Claim job, ModelLibrary library) {
        boolean guidanceEmbedded = library.info(job.request().model())
                .map(ModelInfo::guidanceEmbedded)
                .orElse(false);
        return job.missingImages().length
                * Cost.of(job.request(), guidanceEmbedded).rows();
    }

    /** Draws what has begun to its end, as far as there is time, and gives back the rest. */
    private void end(@Nullable Intake intake, List<Thread> threads) {
        long start = System.nanoTime();
        log.info("This process takes no more jobs and draws on those that it has begun");
        queue.close();
        running.forEach(DeviceWorker::drain);
        if (intake != null) {
            intake.close();
        }
        join(threads, start + settings.drain().toNanos());
        running.forEach(DeviceWorker::stop);
        join(threads, System.nanoTime() + LAST_CALL.toNanos());
        if (threads.stream().anyMatch(Thread::isAlive)) {
            log.warn("A step takes longer than there is time to wait for; its jobs go back to the queue meanwhile");
        }
        queue.end(LAST_CALL);
        log.info("The workers have ended after {} ms", (System.nanoTime() - start) / 1_000_000);
    }

    /** The life of one device. */
    private void draw(String name, String device, ModelLibrary library, Intake intake) {
        try (LoadedModels loaded = library.on(device)) {
            long start = System.nanoTime();
            String first = library.models().get(0).id();
            loaded.open(first).warmUp(settings.maxRows());
            log.info("Model {} is ready on {} after {} ms", first, name, (System.nanoTime() - start) / 1_000_000);
            DeviceWorker worker = new DeviceWorker(name, loaded, intake, claims, metrics, settings.maxRows());
            metrics.gauge(Metric.DEVICE_MEMORY, () -> DeviceMemory.used(device), name);
            begin(name, worker, library);
            worker.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            states.put(name, State.FAILED);
            log.error("{} has failed; it draws no more pictures until the next start", name, e);
            if (failed()) {
                log.error("No device is left; no more pictures are drawn until the next start");
                models.publish(List.of());
            }
        }
    }

    private synchronized void begin(String name, DeviceWorker worker, ModelLibrary library) {
        if (running.isEmpty()) {
            models.publish(library.models());
        }
        List<DeviceWorker> more = new ArrayList<>(running);
        more.add(worker);
        running = List.copyOf(more);
        states.put(name, State.WORKING);
        if (stopping) {
            worker.stop();
        }
    }

    private static void join(List<Thread> threads, long end) {
        try {
            for (Thread thread : threads) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left > 0) {
                    thread.join(left);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Each device of this process by its name; empty until the models are known. */
    Map<String, State> states() {
        synchronized (states) {
            return new LinkedHashMap<>(states);
        }
    }

    /** Whether every device has failed; none can be started again in this process. */
    boolean failed() {
        Map<String, State> now = states();
        return !now.isEmpty() && now.values().stream().allMatch(state -> state == State.FAILED);
    }

    @Override
    public synchronized void start() {
        stopping = false;
        running = List.of();
        states.clear();
        downloads = new ModelDownloads();
        thread = new Thread(this::run, "workers");
        thread.start();
    }

    @Override
    public void stop() {
        stopping = true;
        downloads.stop();
        Thread worker = thread;
        if (worker == null) {
            return;
        }
        try {
            worker.join(settings.drain().plus(LAST_CALL.multipliedBy(4)).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        thread = null;
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
