/** Who may call: API keys, what they allow, and the settings that say whether anybody is asked. */
@NullMarked
@ApplicationModule(allowedDependencies = {"job"})
package dev.darkroom.access;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
