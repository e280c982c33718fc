/** HTTP: controllers, request and response records, server-sent events, problems, OpenAPI. */
@NullMarked
@ApplicationModule(allowedDependencies = {"access", "job", "picture", "spec"})
package dev.darkroom.api;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
