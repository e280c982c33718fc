/** The text that AUTOMATIC1111 writes into pictures. */
@NullMarked
package dev.darkroom.picture.a1111;

import org.jspecify.annotations.NullMarked;
