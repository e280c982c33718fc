/** Before and after everything else: the start and its failures, settings that follow from others, the exit deadline. */
@NullMarked
@ApplicationModule(allowedDependencies = {"cli", "observe"})
package dev.darkroom.boot;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
