/** TorchScript without Python: programs written operation by operation, their archives, loaded networks. */
@NullMarked
@ApplicationModule(allowedDependencies = {"weights"})
package dev.darkroom.program;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
