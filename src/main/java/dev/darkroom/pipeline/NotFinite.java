package dev.darkroom.pipeline;

import dev.darkroom.request.Request;

/** A network of the model made numbers that are none, so that there is no picture: the model cannot draw this request. */
public final class NotFinite extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private NotFinite(String message) {
        super(message, null, false, false);
    }

    /** The text encoders, the U-Net or the sampler made it. */
    static NotFinite latents(Request request, int steps, float found) {
        return new NotFinite("the latents became " + found + " after " + steps + " steps with sampler "
                + request.sampling().sampler().id() + " and guidance scale "
                + request.guidance().scale());
    }

    /** The VAE made it of good latents. */
    static NotFinite picture(Request request, float found) {
        return new NotFinite("the VAE of model " + request.model() + " made " + found
                + " of good latents, which others show as black; its weights are damaged or overflow");
    }
}
