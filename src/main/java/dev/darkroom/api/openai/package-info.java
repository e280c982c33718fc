/** OpenAI's images API in front of the same jobs. */
@NullMarked
package dev.darkroom.api.openai;

import org.jspecify.annotations.NullMarked;
