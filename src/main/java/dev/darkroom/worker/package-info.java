/** One thread per device takes jobs from the queue and moves every picture in flight step by step. */
@NullMarked
@ApplicationModule(
        allowedDependencies = {"fleet", "job", "library", "library::hub", "observe", "picture", "pipeline", "request"})
package dev.darkroom.worker;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
