package dev.darkroom.trainer;

import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/**
 * One sitting of a training run.
 *
 * @param work the run's folder: data, checkpoints, log, sheets and the model
 * @param settings the same at every sitting
 * @param over whether the sitting shall end, after a checkpoint
 * @param progress told of every step
 */
record TrainingRun(Path work, Settings settings, BooleanSupplier over, Trainer.Progress progress) {
    /** The diffusers folder that the run makes. */
    Path model() {
        return work.resolve("model");
    }
}
