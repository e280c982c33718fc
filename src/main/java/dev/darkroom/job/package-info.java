/** All that survives a restart: job rows, the queue, progress events and the image store. */
@NullMarked
@ApplicationModule(allowedDependencies = {"spec"})
package dev.darkroom.job;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
