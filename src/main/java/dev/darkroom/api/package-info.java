/** HTTP: controllers, request and response records, server-sent events, problems, OpenAPI. */
@NullMarked
@ApplicationModule(allowedDependencies = {"access", "blobs", "fleet", "job", "observe", "picture", "request"})
package dev.darkroom.api;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
