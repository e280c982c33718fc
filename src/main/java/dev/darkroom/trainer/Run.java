package dev.darkroom.trainer;

import java.nio.file.Path;
import java.time.Instant;

/**
 * One sitting of a training run.
 *
 * @param work the run's folder: data, checkpoints, log, sheets and the model
 * @param settings the same at every sitting
 * @param until when the sitting ends, after a checkpoint
 * @param progress told of every step
 */
record Run(Path work, Settings settings, Instant until, Trainer.Progress progress) {
    /** The diffusers folder that the run makes. */
    Path model() {
        return work.resolve("model");
    }
}
