/**
 * Fetches models from a Hugging Face-style hub into the models directory: only the files that are read, resumed after
 * an interruption, checked by hash, visible when complete.
 */
@NullMarked
@NamedInterface("hub")
package dev.darkroom.library.hub;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.NamedInterface;
