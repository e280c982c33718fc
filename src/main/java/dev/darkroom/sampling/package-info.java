/** Diffusion without an engine: noise schedules, samplers and seeded noise, plain Java on float arrays. */
@NullMarked
@ApplicationModule(allowedDependencies = {"request"})
package dev.darkroom.sampling;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
