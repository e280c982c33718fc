/** Darkroom's own API. */
@NullMarked
package dev.darkroom.api.v1;

import org.jspecify.annotations.NullMarked;
