package dev.darkroom.pipeline;

import dev.darkroom.model.Networks;
import dev.darkroom.model.UNet2DCondition;
import dev.darkroom.spec.ImageSpec;

/** The checkpoint's own networks. */
final class NetworkBackend implements Backend {
    private final Networks networks;
    private final PromptEncoder prompts;

    /** Takes over networks and encoder. */
    NetworkBackend(Networks networks, PromptEncoder prompts) {
        this.networks = networks;
        this.prompts = prompts;
    }

    @Override
    public int latentChannels() {
        return networks.vae().latentChannels();
    }

    @Override
    public int factor() {
        return networks.vae().factor();
    }

    @Override
    public Conditionings encode(ImageSpec spec) {
        UNet2DCondition unet = networks.unet();
        boolean guided = spec.guidanceScale() > 1 && !unet.knowsGuidance();
        PromptEncoder.Encoded text =
                prompts.encode(spec.prompt(), guided ? spec.negativePrompt() : null, spec.clipSkip());
        return new Conditionings(
                Conditioning.of(unet, text.prompt(), spec, false),
                text.negative() == null ? null : Conditioning.of(unet, text.negative(), spec, true));
    }

    @Override
    public float[] predict(
            float[] sample, float[] timesteps, long[] rows, float[] context, float[] added, int height, int width) {
        return networks.predict(sample, timesteps, rows, context, added, height, width);
    }

    @Override
    public float[] decode(float[] latents, int height, int width) {
        networks.vae().unscale(latents);
        return networks.decode(latents, 1, height, width);
    }

    @Override
    public void close() {
        networks.close();
        prompts.close();
    }
}
