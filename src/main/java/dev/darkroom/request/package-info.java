/**
 * What a picture is asked to be: {@link dev.darkroom.request.Request}, the samplers by name, and what a model offers.
 * Records that every other module may use; what clients say is a {@link dev.darkroom.request.Draft}.
 */
@NullMarked
@ApplicationModule(allowedDependencies = {})
package dev.darkroom.request;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
