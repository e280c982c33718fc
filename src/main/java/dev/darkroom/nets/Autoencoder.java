package dev.darkroom.nets;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;

/** What turns latents into pictures: the decoder of the autoencoder whose latents the U-Net learnt to draw. */
public sealed interface Autoencoder permits AutoencoderKl, AutoencoderTiny {
    int latentChannels();

    /** Pixels per latent in each direction. */
    int factor();

    /**
     * Turns the U-Net's latents into the decoder's, in place.
     *
     * @param latents {@code [latentChannels, h, w]}
     */
    void unscale(float[] latents);

    /**
     * @param net the module that holds {@code decoder}
     * @param z the decoder's latents, {@code [B, latentChannels, h, w]}
     * @return pictures, about −1 … 1, {@code [B, 3, h · factor, w · factor]}
     */
    Value describeDecoder(Program net, Value z);
}
