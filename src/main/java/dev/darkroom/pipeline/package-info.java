/** Prompt to picture: {@code begin}, {@code step}, {@code finish}. */
@NullMarked
@ApplicationModule(allowedDependencies = {"model", "picture", "sampling", "weights", "spec"})
package dev.darkroom.pipeline;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
