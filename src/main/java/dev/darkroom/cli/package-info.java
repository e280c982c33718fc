/** The command line; serving is the default command. */
@NullMarked
@ApplicationModule(allowedDependencies = {"access", "hub", "picture", "job", "pipeline", "trainer", "spec"})
package dev.darkroom.cli;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
