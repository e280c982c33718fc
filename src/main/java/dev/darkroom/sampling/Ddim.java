package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Song et al. 2021 (DDIM), equation (12) with η = 0. Over other levels (Karras, …), which DDIM does not have in diffusers, the same
 * formula between ᾱ = 1/(σ² + 1): DPM-Solver++ of first order.
 */
final class Ddim extends Sampler {

    private final float[] alphas; // ᾱ at each step
    private final float[] nextAlphas; // ᾱ after it
    private final float clip;

    Ddim(NoiseSchedule schedule, SigmaSpacing spacing, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.DDIM, schedule, levels, 1, noise, initialNoise);
        ScheduleConfig config = schedule.config();
        int last = config.trainTimesteps() - 1;
        alphas = new float[timesteps.length];
        nextAlphas = new float[timesteps.length];
        clip = spacing == SigmaSpacing.DEFAULT ? config.clip(SamplerKind.DDIM) : Float.POSITIVE_INFINITY;
        for (int i = 0; i < timesteps.length; i++) {
            if (spacing != SigmaSpacing.DEFAULT) {
                alphas[i] = 1 / (sigmas[i] * sigmas[i] + 1);
                nextAlphas[i] = 1 / (sigmas[i + 1] * sigmas[i + 1] + 1);
                continue;
            }
            int t = (int) timesteps[i];
            int next = t - config.trainTimesteps() / timesteps.length; // not always the next one visited
            alphas[i] = schedule.alphaCumprod(Math.min(t, last));
            nextAlphas[i] = next < 0 && config.setAlphaToOne(SamplerKind.DDIM)
                    ? 1
                    : schedule.alphaCumprod(Math.max(0, Math.min(next, last)));
        }
    }

    @Override
    void step(int i, float[] output) {
        float alpha = (float) Math.sqrt(alphas[i]);
        float sigma = (float) Math.sqrt(1 - alphas[i]);
        float nextAlpha = (float) Math.sqrt(nextAlphas[i]);
        float nextSigma = (float) Math.sqrt(1 - nextAlphas[i]);
        for (int k = 0; k < x.length; k++) {
            float denoised = prediction.denoised(x[k], output[k], alpha, sigma);
            float epsilon = prediction.epsilon(x[k], output[k], alpha, sigma);
            x[k] = nextAlpha * clamp(denoised, clip) + nextSigma * epsilon;
        }
    }
}
