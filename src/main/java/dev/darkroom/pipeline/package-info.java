/** Prompt to picture: {@code begin}, {@code step}, {@code finish}. */
@NullMarked
@ApplicationModule(allowedDependencies = {"nets", "picture", "program", "request", "sampling"})
package dev.darkroom.pipeline;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
