/** The catalogue of metrics, the stages of a job, and which build this is. */
@NullMarked
@ApplicationModule(allowedDependencies = {})
package dev.darkroom.observe;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
