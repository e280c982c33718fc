package dev.darkroom.worker;

import dev.darkroom.job.Claim;
import dev.darkroom.job.ClaimLost;
import dev.darkroom.job.FailureCode;
import dev.darkroom.job.JobQueue;
import dev.darkroom.job.Models;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.pipeline.DeviceThread;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.pipeline.ModelLibrary;
import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import dev.darkroom.spec.Output;
import dev.darkroom.worker.Batch.Place;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Draws the jobs of the queue on one device, on one thread: between two steps pictures leave and join, then one U-Net
 * call moves all of them. On shutdown the step in progress is finished and all jobs go back to the queue.
 */
@Component
final class DeviceWorker implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(DeviceWorker.class);

    private static final Duration IDLE = Duration.ofMillis(200);
    private static final Duration LONGEST_STEP = Duration.ofSeconds(25);

    private final JobQueue queue;
    private final Models models;
    private final WorkerSettings settings;

    private final Batch<Claim> batch;
    private final Set<Claim> claims = new LinkedHashSet<>();
    private final Map<Place<Claim>, Drawing> drawings = new HashMap<>();

    private volatile boolean stopping;
    private volatile boolean failed;
    private volatile ModelDownloads downloads = new ModelDownloads();
    private @Nullable Thread thread;

    /** A picture on the device. */
    private record Drawing(DiffusionPipeline pipeline, Generation generation) {}

    DeviceWorker(JobQueue queue, Models models, WorkerSettings settings) {
        this.queue = queue;
        this.models = models;
        this.settings = settings;
        this.batch = new Batch<>(settings.maxRows());
    }

    private void run() {
        try (ModelLibrary library = library()) {
            warmUp(library);
            models.publish(library.models());
            while (!stopping) {
                take();
                dropCanceled();
                admit(library);
                step();
                retire();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            failed = true;
            log.error("The device worker has failed; no more pictures are drawn until the next start", e);
            models.publish(List.of());
        } finally {
            queue.close();
            List.copyOf(claims).forEach(claim -> leave(claim, claim::release));
        }
    }

    private ModelLibrary library() throws InterruptedException {
        downloads.fetch(settings.models(), settings.modelsFolder());
        return new ModelLibrary(settings.modelsFolder(), settings.cache());
    }

    /** Loads the default model and draws its smallest picture, so that no client waits for that. */
    private static void warmUp(ModelLibrary library) {
        long start = System.nanoTime();
        ModelInfo info = library.models().get(0);
        DiffusionPipeline pipeline = library.open(info.id());
        ImageDraft smallest = new ImageDraft()
                .prompt("warm-up")
                .width(info.minSize())
                .height(info.minSize())
                .steps(1)
                .seed(0L);
        Generation generation = pipeline.begin(ImageSpec.of(smallest, info), 0);
        while (!generation.done()) {
            pipeline.step(List.of(generation));
        }
        pipeline.finish(generation);
        log.info("Model {} is ready after {} ms", info.id(), (System.nanoTime() - start) / 1_000_000);
    }

    private void take() throws InterruptedException {
        for (Claim claim : queue.take(claims.isEmpty() ? IDLE : Duration.ZERO)) {
            claims.add(claim);
            for (int image : claim.missingImages()) {
                batch.add(claim, claim.spec(), image);
            }
        }
    }

    private void dropCanceled() {
        if (claims.isEmpty()) {
            return;
        }
        Set<String> canceled = queue.cancelRequests();
        for (Claim claim : List.copyOf(claims)) {
            if (canceled.contains(claim.jobId())) {
                leave(claim, claim::cancel);
            }
        }
    }

    private void admit(ModelLibrary library) {
        for (Place<Claim> place : batch.admit()) {
            attempt(place.job(), () -> {
                place.job().start();
                DiffusionPipeline pipeline;
                try {
                    pipeline = library.open(place.spec().model());
                } catch (RuntimeException e) {
                    log.warn(
                            "Job {} failed: its model cannot be opened",
                            place.job().jobId(),
                            e);
                    String message = "the model " + place.spec().model() + " cannot be opened any more";
                    leave(place.job(), () -> place.job().fail(FailureCode.MODEL_UNAVAILABLE, message));
                    return;
                }
                drawings.put(place, new Drawing(pipeline, pipeline.begin(place.spec(), place.image())));
            });
        }
    }

    private void step() {
        List<Place<Claim>> places = batch.onDevice();
        if (places.isEmpty()) {
            return;
        }
        DiffusionPipeline pipeline = drawing(places.get(0)).pipeline();
        Map<Place<Claim>, Integer> before = new HashMap<>();
        places.forEach(place -> before.put(place, drawing(place).generation().stepsDone()));
        try {
            pipeline.step(
                    places.stream().map(place -> drawing(place).generation()).toList());
        } catch (RuntimeException | OutOfMemoryError e) {
            log.warn("A step of {} pictures failed; each is tried alone", places.size(), e);
            for (Place<Claim> place : places) {
                attempt(place.job(), () -> {
                    Generation generation = drawing(place).generation();
                    if (generation.stepsDone() == Objects.requireNonNull(before.get(place))) {
                        pipeline.step(List.of(generation));
                    }
                });
            }
        }
        for (Place<Claim> place : batch.onDevice()) {
            attempt(place.job(), () -> {
                Generation generation = drawing(place).generation();
                if (generation.stepsDone() > Objects.requireNonNull(before.get(place))) {
                    place.job().step(place.image(), generation.stepsDone(), generation.steps());
                }
            });
        }
    }

    private void retire() {
        for (Place<Claim> place : batch.onDevice()) {
            Drawing drawing = drawings.get(place);
            if (drawing == null || !drawing.generation().done()) {
                continue;
            }
            attempt(place.job(), () -> {
                byte[] png = PictureFile.encode(
                        drawing.pipeline().finish(drawing.generation()),
                        Output.PNG,
                        Recipe.of(place.spec(), place.image()));
                boolean last =
                        place.job().image(place.image(), drawing.generation().seed(), png);
                batch.retire(place);
                drawings.remove(place);
                if (last) {
                    claims.remove(place.job());
                }
            });
        }
    }

    private Drawing drawing(Place<Claim> place) {
        return Objects.requireNonNull(drawings.get(place));
    }

    /** Does one thing for one job; if that fails, this job fails and no other. */
    private void attempt(Claim claim, Runnable work) {
        if (!claims.contains(claim)) {
            return;
        }
        try {
            work.run();
        } catch (ClaimLost e) {
            log.info("Let go of a job: {}", e.getMessage());
            leave(claim, () -> claim.abandon(e));
        } catch (RuntimeException | OutOfMemoryError e) {
            log.warn("Job {} failed", claim.jobId(), e);
            leave(
                    claim,
                    () -> claim.fail(
                            e instanceof OutOfMemoryError ? FailureCode.OUT_OF_MEMORY : FailureCode.DRAWING_FAILED,
                            "drawing the picture failed; the server's log says why under this job's id"));
        }
    }

    private void leave(Claim claim, Runnable ending) {
        batch.remove(claim);
        drawings.keySet().removeIf(place -> place.job().equals(claim));
        claims.remove(claim);
        try {
            ending.run();
        } catch (RuntimeException e) {
            log.warn("The end of job {} was not recorded", claim.jobId(), e);
            claim.abandon(e);
        }
    }

    @Override
    public synchronized void start() {
        stopping = false;
        downloads = new ModelDownloads();
        thread = DeviceThread.start("device-0", this::run);
    }

    @Override
    public synchronized void stop() {
        stopping = true;
        downloads.stop();
        Thread worker = thread;
        if (worker == null) {
            return;
        }
        try {
            worker.join(LONGEST_STEP.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        thread = null;
    }

    /** Whether the worker has ended by itself; it cannot be started again in this process. */
    boolean failed() {
        return failed;
    }

    @Override
    public synchronized boolean isRunning() {
        return thread != null;
    }
}
