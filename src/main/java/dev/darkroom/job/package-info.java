/** All that survives a restart: job rows, the queue, progress events, quotas and retention. */
@NullMarked
@ApplicationModule(allowedDependencies = {"blobs", "fleet", "observe", "request"})
package dev.darkroom.job;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
