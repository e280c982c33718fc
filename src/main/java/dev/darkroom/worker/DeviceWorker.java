package dev.darkroom.worker;

import dev.darkroom.job.Claim;
import dev.darkroom.job.Claims;
import dev.darkroom.job.FailureCode;
import dev.darkroom.library.LoadedModels;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.observe.Stages.Stage;
import dev.darkroom.picture.Picture;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.pipeline.NotFinite;
import dev.darkroom.pipeline.OutOfDeviceMemory;
import dev.darkroom.pipeline.PromptTooLong;
import dev.darkroom.request.Cost;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.worker.Batch.Readiness;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

    /** So often it is looked whether a model is loaded, while nothing else is to be done. */
    private static final Duration LOADING = Duration.ofMillis(10);

    /** So long at most, beyond a first one, pictures are begun, and pictures are decoded, while others wait for their next call. */
    private static final Duration BETWEEN_CALLS = Duration.ofMillis(50);

    private final LoadedModels models;
    private final Intake intake;
    private final Recorder recorder;
    private final Metrics metrics;
    private final Batch<Drawing> batch;
    private final Set<Claim> jobs = new LinkedHashSet<>();
    private volatile boolean draining;
    private volatile boolean stopping;
    private volatile int rows;

    /** @param models on the device; for the thread that runs this */
    DeviceWorker(String name, LoadedModels models, Intake intake, Claims claims, Metrics metrics, int maxRows) {
        this.metrics = metrics;
        metrics.gauge(Metric.BATCH_ROWS, () -> rows, name);
        this.models = models;
        this.intake = intake;
        this.recorder = new Recorder(name, claims, metrics);
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
            jobs.forEach(job -> recorder.ended(job.released()));
        } catch (RuntimeException | Error e) {
            // It counts as a death, so that a job that does this to every device is not tried for ever.
            jobs.forEach(job -> recorder.ended(job.broken()));
            throw e;
        } finally {
            rows = 0;
            intake.leave(this);
            batch.remove(drawing -> true).forEach(Drawing::close);
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
        for (Claim job : List.copyOf(jobs)) {
            if (!job.isBegun()) {
                leave(job);
                job.giveBack();
            }
        }
    }

    private void take() throws InterruptedException {
        Duration wait = !batch.isIdle() ? Duration.ZERO : jobs.isEmpty() ? IDLE : LOADING;
        for (Claim job : intake.take(this, batch.rows(), wait)) {
            Optional<ModelInfo> model = models.info(job.request().model());
            if (model.isEmpty()) {
                unavailable(job);
                continue;
            }
            Cost cost = Cost.of(job.request(), model.get().guidanceEmbedded());
            jobs.add(job);
            for (int image : job.missingImages()) {
                batch.add(new Drawing(job, cost, image));
            }
        }
        rows = batch.rows();
    }

    /** Lets go of jobs that clients have canceled and of those that it does not hold any more. */
    private void drop() {
        Set<String> canceled = intake.canceled();
        for (Claim job : List.copyOf(jobs)) {
            if (!job.isHeld()) {
                leave(job);
            } else if (canceled.contains(job.jobId())) {
                leave(job);
                recorder.ended(job.canceled());
            }
        }
    }

    private void admit() {
        long end = System.nanoTime() + BETWEEN_CALLS.toNanos();
        do {
            Drawing next = batch.admit(this::readiness);
            if (next == null) {
                return;
            }
            if (!next.claim.begin()) {
                leave(next.claim);
                continue;
            }
            recorder.started(next.claim, next.cost.rows(), next.cost.evaluations());
            attempt(next.claim, () -> begin(next));
        } while (System.nanoTime() < end);
    }

    private Readiness readiness(Drawing next) {
        try {
            return switch (models.prepare(next.request.model(), batch.models())) {
                case READY -> Readiness.READY;
                case LOADING -> Readiness.LOADING;
                case WANTS_ROOM -> Readiness.WANTS_ROOM;
            };
        } catch (RuntimeException | OutOfMemoryError e) {
            return Readiness.READY; // begin() meets the same and fails the job
        }
    }

    private void begin(Drawing next) {
        DiffusionPipeline model;
        try {
            model = models.open(next.request.model());
        } catch (OutOfDeviceMemory e) {
            throw e;
        } catch (RuntimeException e) {
            log.warn("Job {} failed: its model cannot be opened", next.claim.jobId(), e);
            unavailable(next.claim);
            return;
        }
        long start = System.nanoTime();
        next.begin(model);
        metrics.time(Metric.ENCODE, next.stages.add(Stage.ENCODE, start, 1), next.request.model());
    }

    private void unavailable(Claim job) {
        fail(job, FailureCode.MODEL_UNAVAILABLE, "the model " + job.request().model() + " cannot be opened any more");
    }

    private void call() {
        List<Drawing> call = batch.next();
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
                        call.get(0).request.model(),
                        call.get(0).request.size().width(),
                        call.get(0).request.size().height(),
                        e);
            } else {
                fail(call.get(0).claim, e);
            }
        } catch (RuntimeException e) {
            if (call.size() == 1) {
                fail(call.get(0).claim, e);
            } else {
                log.warn("A step of {} pictures failed; each is tried alone", call.size(), e);
                call.forEach(drawing -> attempt(drawing.claim, () -> step(List.of(drawing))));
            }
        }
        batch.charge(call, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Moves the pictures together; if this throws, none has moved. Those that the answer does not suit fail alone. */
    private void step(List<Drawing> call) {
        DiffusionPipeline pipeline = call.get(0).pipeline();
        List<Generation> generations = call.stream().map(Drawing::generation).toList();
        int[] before = generations.stream().mapToInt(Generation::stepsDone).toArray();
        long start = System.nanoTime();
        Map<Generation, RuntimeException> failures = pipeline.step(generations);
        String model = call.get(0).request.model();
        metrics.time(Metric.STEP, Duration.ofNanos(System.nanoTime() - start), model);
        metrics.record(Metric.STEP_ROWS, call.stream().mapToInt(Drawing::rows).sum(), model);
        for (int i = 0; i < before.length; i++) {
            Drawing drawing = call.get(i);
            Generation generation = generations.get(i);
            RuntimeException failure = failures.get(generation);
            if (failure != null) {
                fail(drawing.claim, failure);
                continue;
            }
            long ofTheSameJob =
                    call.stream().filter(other -> other.claim == drawing.claim).count();
            drawing.stages.add(Stage.STEPS, start, (int) ofTheSameJob);
            if (generation.stepsDone() > before[i] && jobs.contains(drawing.claim)) {
                recorder.stepped(
                        drawing.claim,
                        drawing.image,
                        generation.stepsDone(),
                        generation.steps(),
                        preview(pipeline, generation).orElse(null));
            }
            if (generation.done()) {
                batch.stepped(drawing);
            }
        }
    }

    private static Optional<Picture> preview(DiffusionPipeline pipeline, Generation generation) {
        try {
            return pipeline.preview(generation);
        } catch (RuntimeException | OutOfMemoryError e) {
            log.warn(
                    "There is no preview of {}, and the picture goes on",
                    generation.request().model(),
                    e);
            return Optional.empty();
        }
    }

    private void finish() {
        long end = System.nanoTime() + BETWEEN_CALLS.toNanos();
        do {
            Drawing drawing = batch.pollStepped();
            if (drawing == null) {
                return;
            }
            attempt(drawing.claim, () -> finish(drawing));
            drawing.close();
        } while (System.nanoTime() < end);
    }

    private void finish(Drawing drawing) {
        long start = System.nanoTime();
        Picture picture = drawing.pipeline().finish(drawing.generation());
        metrics.time(Metric.DECODE, drawing.stages.add(Stage.DECODE, start, 1), drawing.request.model());
        recorder.drawn(
                drawing.claim,
                drawing.request,
                drawing.image,
                drawing.generation().seed(),
                picture,
                drawing.stages);
        if (!batch.any(other -> other.claim == drawing.claim)) {
            jobs.remove(drawing.claim);
        }
    }

    /** Does one thing for one job; if that fails, this job fails and no other. */
    private void attempt(Claim job, Runnable work) {
        if (!jobs.contains(job)) {
            return;
        }
        try (MDC.MDCCloseable id = MDC.putCloseable(Recorder.JOB_ID, job.jobId())) {
            work.run();
        } catch (RuntimeException | OutOfMemoryError e) {
            fail(job, e);
        }
    }

    private void fail(Claim job, Throwable reason) {
        if (reason instanceof PromptTooLong) {
            fail(job, FailureCode.PROMPT_TOO_LONG, String.valueOf(reason.getMessage()));
            return;
        }
        try (MDC.MDCCloseable id = MDC.putCloseable(Recorder.JOB_ID, job.jobId())) {
            log.warn("Job {} failed", job.jobId(), reason);
        }
        if (reason instanceof NotFinite) {
            fail(job, FailureCode.NOT_FINITE, String.valueOf(reason.getMessage()));
        } else if (reason instanceof OutOfDeviceMemory || reason instanceof OutOfMemoryError) {
            fail(job, FailureCode.OUT_OF_MEMORY, "one of its pictures does not fit into the memory of the device");
        } else {
            fail(
                    job,
                    FailureCode.DRAWING_FAILED,
                    "drawing the picture failed; the server's log says why under this job's id");
        }
    }

    private void fail(Claim job, FailureCode code, String message) {
        leave(job);
        recorder.ended(job.failed(code, message));
    }

    private void leave(Claim job) {
        batch.remove(drawing -> drawing.claim == job).forEach(Drawing::close);
        jobs.remove(job);
    }
}
