/** Bytes that are kept outside the database: a directory or an S3-compatible store. */
@NullMarked
@ApplicationModule(allowedDependencies = {})
package dev.darkroom.blobs;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
