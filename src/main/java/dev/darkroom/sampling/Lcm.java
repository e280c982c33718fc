package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Luo et al. 2023 (latent consistency models), algorithm 3: every step jumps to the clean sample, through the boundary
 * condition of Song et al. 2023, appendix C, and back to the next level with fresh noise.
 */
final class Lcm extends Sampler {

    private static final float SIGMA_DATA = 0.5f;

    private final NoiseSchedule schedule;
    private final float clip;

    Lcm(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.LCM, schedule, levels, 1, noise, initialNoise);
        this.schedule = schedule;
        clip = schedule.config().clip(SamplerKind.LCM);
    }

    @Override
    void step(int i, float[] output) {
        float bar = schedule.alphaCumprod((int) timesteps[i]);
        float a = (float) Math.sqrt(bar);
        float s = (float) Math.sqrt(1 - bar);
        float t = timesteps[i] * (float) schedule.config().timestepScaling();
        float square = t * t + SIGMA_DATA * SIGMA_DATA;
        float skip = SIGMA_DATA * SIGMA_DATA / square;
        float out = t / (float) Math.sqrt(square);
        boolean last = i == timesteps.length - 1;
        float nextBar = last ? 1 : schedule.alphaCumprod((int) timesteps[i + 1]);
        float[] z = last ? new float[x.length] : noise.normal(x.length);
        for (int k = 0; k < x.length; k++) {
            float denoised = clamp(prediction.denoised(x[k], output[k], a, s), clip);
            denoised = out * denoised + skip * x[k];
            x[k] = (float) Math.sqrt(nextBar) * denoised + (float) Math.sqrt(1 - nextBar) * z[k];
        }
    }
}
