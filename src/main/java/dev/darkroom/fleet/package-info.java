/** Which processes serve which models. */
@NullMarked
@ApplicationModule(allowedDependencies = {"request"})
package dev.darkroom.fleet;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
