/** Checkpoints on disk: safetensors files, diffusers folders, and a scoped lookup with checked shapes. */
@NullMarked
@ApplicationModule(allowedDependencies = {})
package dev.darkroom.weights;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
