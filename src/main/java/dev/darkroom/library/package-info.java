/** Which models there are: the models directory, the built-in model, what is loaded, and what a folder is. */
@NullMarked
@ApplicationModule(allowedDependencies = {"nets", "pipeline", "program", "request", "sampling", "weights"})
package dev.darkroom.library;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
