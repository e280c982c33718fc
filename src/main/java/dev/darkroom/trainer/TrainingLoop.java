package dev.darkroom.trainer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.darkroom.program.Program;
import dev.darkroom.weights.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import tools.jackson.databind.json.JsonMapper;

/**
 * The steps of one stage: learning rate, random numbers, checkpoints, progress and log. Used as
 *
 * <pre>{@code
 * while (loop.goesOn()) {
 *     Random random = loop.random();
 *     …
 *     loop.step(inputs);
 * }
 * }</pre>
 *
 * <p>All that a step depends on is in the checkpoint: weights, their average, the optimiser's moments and the step's number,
 * from which the random numbers follow. So a run that was interrupted goes on to the same losses as if it had not been.
 */
final class TrainingLoop implements AutoCloseable {
    // Learning rate: up along a line, level, down along a half cosine.
    private static final int WARM_UP_STEPS = 200;
    private static final double COOL_DOWN = 0.3;
    private static final double LAST = 0.02;

    private static final int LOG_EVERY = 20;

    private final String stage;
    private final TrainingRun run;
    private final Settings.Phase phase;
    private final Learner learner;
    private final Path checkpoint;
    private final double flopsPerSample;
    private int saved;

    private long lastLogged = System.nanoTime();
    private int loggedStep;
    private double lossSum;
    private double samplesPerSecond;

    /** @param program its {@code forward} returns the loss; trained from {@code known} weights, the others from random ones */
    TrainingLoop(TrainingRun run, String stage, Settings.Phase phase, Program program, Map<String, Tensor> known)
            throws IOException {
        this.stage = stage;
        this.run = run;
        this.phase = phase;
        this.checkpoint = run.work().resolve(stage + ".checkpoint.safetensors");
        // Backpropagation computes two products of the forward one's cost for each: by the input and by the weights.
        this.flopsPerSample = 3.0 * program.flops();
        this.learner = new Learner(program, known, checkpoint, run.settings().seed(), phase.averaging());
        this.saved = learner.step();
        this.loggedStep = learner.step();
    }

    /** Whether there is another step to do. Writes the checkpoint when one is due. */
    boolean goesOn() throws IOException {
        boolean goesOn = !finished() && !run.over().getAsBoolean();
        if (learner.step() > saved && (!goesOn || learner.step() % phase.checkpointEvery() == 0)) {
            learner.save(checkpoint, run.settings().toString());
            saved = learner.step();
        }
        return goesOn;
    }

    /** Whether all steps are done, in this sitting or in earlier ones. */
    boolean finished() {
        return learner.step() >= phase.steps();
    }

    /** Whether it is time to draw pictures for people to look at. */
    boolean sheetDue() {
        return learner.step() % phase.sheetEvery() == 0 || finished();
    }

    int stepsDone() {
        return learner.step();
    }

    /** The random numbers of the coming step: they depend on seed, stage and step only. */
    Random random() {
        long mixed = run.settings().seed() * 0x9E3779B97F4A7C15L ^ (long) stage.hashCode() << 32 ^ learner.step();
        mixed = (mixed ^ mixed >>> 30)
                * 0xBF58476D1CE4E5B9L; // so that neighbouring steps have unlike seeds (SplitMix64)
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return new Random(mixed ^ mixed >>> 31);
    }

    NDManager newScope() {
        return learner.newScope();
    }

    /** Prediction, loss and update. */
    void step(NDArray... inputs) throws IOException {
        double rate = learningRate();
        double loss = learner.step(rate, inputs);
        lossSum += loss;
        if (learner.step() - loggedStep >= LOG_EVERY || finished()) {
            log(rate);
        }
        run.progress()
                .at(new Trainer.Report(
                        stage,
                        learner.step(),
                        phase.steps(),
                        loss,
                        samplesPerSecond,
                        samplesPerSecond * flopsPerSample / 1e9));
    }

    private double learningRate() {
        double warmUp = Math.min(1, (learner.step() + 1.0) / Math.min(WARM_UP_STEPS, phase.steps() / 5 + 1));
        double left = (phase.steps() - learner.step()) / (COOL_DOWN * phase.steps());
        double coolDown = 0.5 * (1 - Math.cos(Math.PI * Math.min(1, left)));
        return phase.learningRate() * warmUp * (LAST + (1 - LAST) * coolDown);
    }

    private void log(double rate) throws IOException {
        long now = System.nanoTime();
        int steps = learner.step() - loggedStep;
        samplesPerSecond = (double) steps * phase.batch() / ((now - lastLogged) / 1e9);
        log(Map.of(
                "loss",
                lossSum / steps,
                "learning_rate",
                rate,
                "samples_per_second",
                samplesPerSecond,
                "gflops",
                samplesPerSecond * flopsPerSample / 1e9));
        lastLogged = now;
        loggedStep = learner.step();
        lossSum = 0;
    }

    /** Adds a line to {@code log.jsonl}. */
    void log(Map<String, Object> values) throws IOException {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("time", Instant.now().toString());
        line.put("stage", stage);
        line.put("step", learner.step());
        values.keySet().stream().sorted().forEach(key -> line.put(key, values.get(key)));
        Files.writeString(
                run.work().resolve("log.jsonl"),
                JsonMapper.shared().writeValueAsString(line) + "\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    /** The averaged weights by name. */
    Map<String, Tensor> average() {
        return learner.average();
    }

    @Override
    public void close() {
        learner.close();
    }
}
