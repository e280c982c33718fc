/** Offline training: data preparation, training loops, checkpoints. */
@NullMarked
@ApplicationModule(allowedDependencies = {"model", "sampling", "weights", "spec"})
package dev.darkroom.trainer;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
