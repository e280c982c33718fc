/**
 * Picture files: PNG, JPEG and WebP with the recipe of the picture inside, written, and read from strangers without trust.
 * What is read and what is refused is listed at {@link dev.darkroom.picture.PictureFile}.
 */
@NullMarked
@ApplicationModule(allowedDependencies = {"request"})
package dev.darkroom.picture;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
