/**
 * Fetches models from a Hugging Face-style hub into the models directory: only the files that are read, resumed after
 * an interruption, checked by hash, visible when complete.
 */
@NullMarked
@ApplicationModule(allowedDependencies = {"weights"})
package dev.darkroom.hub;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
