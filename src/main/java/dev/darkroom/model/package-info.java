/** The networks: CLIP text encoder, U-Net and VAE, compiled from diffusers configs into TorchScript archives; the tokenizer; devices. */
@NullMarked
@ApplicationModule(allowedDependencies = {"weights"})
package dev.darkroom.model;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
