package dev.darkroom.sampling;

import dev.darkroom.sampling.NoiseSchedule.Levels;
import dev.darkroom.spec.SamplerKind;

/**
 * Euler's method down past the next level, then fresh noise up to it: ancestral sampling (Ho et al. 2020, algorithm 2) in σ
 * space, k-diffusion's {@code sample_euler_ancestral} with η = 1.
 */
final class EulerAncestral extends Sampler {

    private final SeededNoise noise;

    EulerAncestral(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(schedule, levels, sigmaSpaceInit(schedule, SamplerKind.EULER_ANCESTRAL, levels), initialNoise);
        this.noise = noise;
    }

    @Override
    float[] scaledInput(int i) {
        return scaled(x, sigmas[i]);
    }

    @Override
    void step(int i, float[] output) {
        float sigma = sigmas[i];
        float from2 = sigma * sigma;
        float to2 = sigmas[i + 1] * sigmas[i + 1];
        float up = (float) Math.sqrt(to2 * (from2 - to2) / from2);
        // Where the levels lie far apart, up is the next level but for a rounding, which may be upwards.
        float down = (float) Math.sqrt(Math.max(0, to2 - up * up));
        float dt = down - sigma;
        float[] fresh = noise.normal(x.length); // in the last step too, where up is 0
        for (int k = 0; k < x.length; k++) {
            float denoised = prediction.denoised(x[k], output[k], sigma);
            float d = (x[k] - denoised) / sigma;
            x[k] = x[k] + d * dt + fresh[k] * up;
        }
    }
}
