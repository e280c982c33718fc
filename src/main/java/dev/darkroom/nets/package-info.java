/** The networks: CLIP text encoder, U-Net and VAE, compiled from diffusers configs into programs; the tokenizer. */
@NullMarked
@ApplicationModule(allowedDependencies = {"program", "weights"})
package dev.darkroom.nets;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
