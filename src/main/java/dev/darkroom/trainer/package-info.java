/** Offline training: data preparation, training loops, checkpoints. */
@NullMarked
@ApplicationModule(allowedDependencies = {"nets", "program", "request", "sampling", "weights"})
package dev.darkroom.trainer;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
