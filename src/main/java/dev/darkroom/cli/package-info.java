/** The command line; serving is the default command. */
@NullMarked
@ApplicationModule(
        allowedDependencies = {
            "access",
            "job",
            "library",
            "library::hub",
            "observe",
            "picture",
            "pipeline",
            "request",
            "trainer"
        })
package dev.darkroom.cli;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
