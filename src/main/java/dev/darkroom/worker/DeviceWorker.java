package dev.darkroom.worker;

import dev.darkroom.job.FailureCode;
import dev.darkroom.job.Metric;
import dev.darkroom.job.Metrics;
import dev.darkroom.job.Stages;
import dev.darkroom.job.Stages.Stage;
import dev.darkroom.picture.Picture;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.pipeline.LoadedModels;
import dev.darkroom.pipeline.OutOfDeviceMemory;
import dev.darkroom.spec.Output;
import dev.darkroom.spec.OutputFormat;
import dev.darkroom.worker.Batch.Place;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Draws jobs on one device, on one thread: between two U-Net calls pictures leave and join. When it is drained it ends with the
 * jobs that it has begun; when it is stopped, with the call in progress. All jobs it has then go back to the queue.
 */
final class DeviceWorker {
    private static final Logger log = LoggerFactory.getLogger(DeviceWorker.class);

    private static final Duration IDLE = Duration.ofMillis(200);

    /** So long at most, beyond a first one, pictures are begun, and pictures are decoded, while others wait for their next call. */
    private static final Duration BETWEEN_CALLS = Duration.ofMillis(50);

    private final LoadedModels models;
    private final Intake intake;
    private final Recorder recorder;
    private final Metrics metrics;
    private final Batch<Held> batch;
    private final Set<Held> jobs = new LinkedHashSet<>();
    private final Map<Place<Held>, Drawing> drawings = new HashMap<>();
    private volatile boolean draining;
    private volatile boolean stopping;
    private volatile int rows;

    /** A picture on the device. */
    private record Drawing(DiffusionPipeline pipeline, Generation generation, Stages stages) {}

    /** @param models on the device; for the thread that runs this */
    DeviceWorker(String name, LoadedModels models, Intake intake, Metrics metrics, int maxRows) {
        this.metrics = metrics;
        metrics.gauge(Metric.BATCH_ROWS, () -> rows, name);
        this.models = models;
        this.intake = intake;
        this.recorder = new Recorder(name + "-recorder");
        this.batch = new Batch<>(maxRows);
    }

    /** Draws until it is stopped. What is thrown means that the device cannot be used any more; its jobs are back in the queue. */
    void run() throws InterruptedException {
        intake.join(this);
        try {
            while (!stopping && !(draining && jobs.isEmpty())) {
                if (draining) {
                    giveBack();
                } else {
                    take();
                }
                drop();
                admit();
                call();
                finish();
                rows = batch.rows();
            }
            jobs.forEach(job -> recorder.record(job, job.claim::release));
        } catch (RuntimeException | Error e) {
            // Not given back in order, so that a job that does this to every device counts as tried.
            jobs.forEach(job -> recorder.record(
                    job, () -> job.claim.abandon(new IllegalStateException("its device has failed", e))));
            throw e;
        } finally {
            rows = 0;
            intake.leave(this);
            recorder.close();
        }
    }

    /** Takes no more jobs, gives back those it has not begun, and ends when the others have. */
    void drain() {
        draining = true;
    }

    /** Ends after the call in progress. */
    void stop() {
        stopping = true;
    }

    private void giveBack() {
        for (Held job : List.copyOf(jobs)) {
            if (!job.claim.isBegun()) {
                leave(job);
                recorder.record(job, job.claim::release);
            }
        }
    }

    private void take() throws InterruptedException {
        for (Held job : intake.take(this, batch.rows(), jobs.isEmpty() ? IDLE : Duration.ZERO)) {
            jobs.add(job);
            for (int image : job.claim.missingImages()) {
                batch.add(job, job.claim.spec(), image);
            }
        }
        rows = batch.rows();
    }

    /** Lets go of jobs that clients have canceled and of those that it does not hold any more. */
    private void drop() {
        Set<String> canceled = intake.canceled();
        for (Held job : List.copyOf(jobs)) {
            if (job.lost || !job.claim.isHeld()) {
                leave(job);
            } else if (canceled.contains(job.claim.jobId())) {
                leave(job);
                recorder.record(job, job.claim::cancel);
            }
        }
    }

    private void admit() {
        long end = System.nanoTime() + BETWEEN_CALLS.toNanos();
        do {
            Place<Held> place = batch.admit();
            if (place == null) {
                return;
            }
            if (!place.job.claim.begin()) {
                leave(place.job);
                continue;
            }
            recorder.record(place.job, place.job.claim::start);
            attempt(place.job, () -> begin(place));
        } while (System.nanoTime() < end);
    }

    private void begin(Place<Held> place) {
        DiffusionPipeline pipeline;
        try {
            pipeline = models.open(place.spec.model());
        } catch (OutOfDeviceMemory e) {
            throw e;
        } catch (RuntimeException e) {
            log.warn("Job {} failed: its model cannot be opened", place.job.claim.jobId(), e);
            fail(
                    place.job,
                    FailureCode.MODEL_UNAVAILABLE,
                    "the model " + place.spec.model() + " cannot be opened any more");
            return;
        }
        Stages stages = new Stages();
        long start = System.nanoTime();
        Generation generation = pipeline.begin(place.spec, place.image);
        metrics.time(Metric.ENCODE, stages.add(Stage.ENCODE, start, 1), place.spec.model());
        drawings.put(place, new Drawing(pipeline, generation, stages));
    }

    private void call() {
        List<Place<Held>> call = batch.next();
        if (call.isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        try {
            step(call);
        } catch (OutOfDeviceMemory | OutOfMemoryError e) {
            if (batch.halve(call)) {
                log.warn(
                        "{} pictures of {}, {}×{}, do not fit into memory together; from now on half of them share a call",
                        call.size(),
                        call.get(0).spec.model(),
                        call.get(0).spec.width(),
                        call.get(0).spec.height(),
                        e);
            } else {
                fail(call.get(0).job, e);
            }
        } catch (RuntimeException e) {
            if (call.size() == 1) {
                fail(call.get(0).job, e);
            } else {
                log.warn("A step of {} pictures failed; each is tried alone", call.size(), e);
                call.forEach(place -> attempt(place.job, () -> step(List.of(place))));
            }
        }
        batch.charge(call, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Moves the pictures together; if that fails, none has moved. */
    private void step(List<Place<Held>> call) {
        DiffusionPipeline pipeline = drawing(call.get(0)).pipeline();
        List<Generation> generations =
                call.stream().map(place -> drawing(place).generation()).toList();
        int[] before = generations.stream().mapToInt(Generation::stepsDone).toArray();
        long start = System.nanoTime();
        pipeline.step(generations);
        String model = call.get(0).spec.model();
        metrics.time(Metric.STEP, Duration.ofNanos(System.nanoTime() - start), model);
        metrics.record(Metric.STEP_ROWS, call.stream().mapToInt(Place::rows).sum(), model);
        for (int i = 0; i < before.length; i++) {
            Place<Held> place = call.get(i);
            long ofTheSameJob =
                    call.stream().filter(other -> other.job == place.job).count();
            drawing(place).stages().add(Stage.STEPS, start, (int) ofTheSameJob);
            Generation generation = generations.get(i);
            if (generation.stepsDone() > before[i]) {
                recordStep(place, generation, preview(pipeline, generation));
            }
            if (generation.done()) {
                batch.stepped(place);
            }
        }
    }

    private static Optional<Picture> preview(DiffusionPipeline pipeline, Generation generation) {
        try {
            return pipeline.preview(generation);
        } catch (RuntimeException | OutOfMemoryError e) {
            log.warn(
                    "There is no preview of {}, and the picture goes on",
                    generation.spec().model(),
                    e);
            return Optional.empty();
        }
    }

    private void recordStep(Place<Held> place, Generation generation, Optional<Picture> preview) {
        int step = generation.stepsDone();
        int steps = generation.steps();
        recorder.record(
                place.job,
                () -> place.job.claim.step(
                        place.image,
                        step,
                        steps,
                        preview.map(DeviceWorker::jpeg).orElse(null)));
    }

    private static byte[] jpeg(Picture preview) {
        return PictureFile.encode(preview, Output.of(OutputFormat.JPEG), null);
    }

    private static byte[] png(Place<Held> place, Picture picture) {
        return PictureFile.encode(picture, Output.PNG, Recipe.of(place.spec, place.image));
    }

    private void finish() {
        long end = System.nanoTime() + BETWEEN_CALLS.toNanos();
        do {
            Place<Held> place = batch.pollStepped();
            if (place == null) {
                return;
            }
            attempt(place.job, () -> finish(place));
        } while (System.nanoTime() < end);
    }

    private void finish(Place<Held> place) {
        Drawing drawing = drawing(place);
        Stages stages = drawing.stages();
        long start = System.nanoTime();
        Picture picture = drawing.pipeline().finish(drawing.generation());
        metrics.time(Metric.DECODE, stages.add(Stage.DECODE, start, 1), place.spec.model());
        long seed = drawing.generation().seed();
        recorder.record(place.job, () -> {
            long began = System.nanoTime();
            byte[] png = png(place, picture);
            metrics.time(Metric.ENCODE_IMAGE, stages.add(Stage.STORE, began, 1));
            place.job.claim.image(place.image, seed, png, stages);
        });
        drawings.remove(place);
        place.job.missing--;
        if (place.job.missing == 0) {
            jobs.remove(place.job);
        }
    }

    private Drawing drawing(Place<Held> place) {
        return Objects.requireNonNull(drawings.get(place));
    }

    /** Does one thing for one job; if that fails, this job fails and no other. */
    private void attempt(Held job, Runnable work) {
        if (!jobs.contains(job)) {
            return;
        }
        try (MDC.MDCCloseable id = MDC.putCloseable(Held.JOB_ID, job.claim.jobId())) {
            work.run();
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(job, e);
        }
    }

    private void fail(Held job, Throwable reason) {
        try (MDC.MDCCloseable id = MDC.putCloseable(Held.JOB_ID, job.claim.jobId())) {
            log.warn("Job {} failed", job.claim.jobId(), reason);
        }
        if (reason instanceof OutOfDeviceMemory || reason instanceof OutOfMemoryError) {
            fail(job, FailureCode.OUT_OF_MEMORY, "one of its pictures does not fit into the memory of the device");
        } else {
            fail(
                    job,
                    FailureCode.DRAWING_FAILED,
                    "drawing the picture failed; the server's log says why under this job's id");
        }
    }

    private void fail(Held job, FailureCode code, String message) {
        leave(job);
        recorder.record(job, () -> job.claim.fail(code, message));
    }

    private void leave(Held job) {
        batch.remove(job);
        drawings.keySet().removeIf(place -> place.job.equals(job));
        jobs.remove(job);
    }
}
