/** The formats: PNG, JPEG and WebP, and the texts in them by Exif and XMP. */
@NullMarked
package dev.darkroom.picture.file;

import org.jspecify.annotations.NullMarked;
