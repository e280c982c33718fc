package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Euler's method down past the next level, then fresh noise up to it: ancestral sampling (Ho et al. 2020, algorithm 2) in σ
 * space, k-diffusion's {@code sample_euler_ancestral} with η = 1.
 */
final class EulerAncestral extends Sampler {

    EulerAncestral(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(
                SamplerKind.EULER_ANCESTRAL,
                schedule,
                levels,
                sigmaSpaceInit(schedule, SamplerKind.EULER_ANCESTRAL, levels),
                noise,
                initialNoise);
    }

    @Override
    float[] scaledInput(int i) {
        return scaled(x, sigmas[i]);
    }

    @Override
    void step(int i, float[] output) {
        float sigma = sigmas[i];
        float up = up(sigma, sigmas[i + 1]);
        float dt = down(sigma, sigmas[i + 1]) - sigma;
        float[] fresh = noise.normal(x.length); // in the last step too, where up is 0
        for (int k = 0; k < x.length; k++) {
            float denoised = prediction.denoised(x[k], output[k], sigma);
            float d = (x[k] - denoised) / sigma;
            x[k] = x[k] + d * dt + fresh[k] * up;
        }
    }

    /** The deviation of the fresh noise on the way from one level to the next. */
    static float up(float from, float to) {
        float from2 = from * from;
        float to2 = to * to;
        return (float) Math.sqrt(to2 * (from2 - to2) / from2);
    }

    /** The level from which that noise goes up to the next one: to²/from, but for the reference's roundings. */
    static float down(float from, float to) {
        float up = up(from, to);
        float square = to * to - up * up;
        // Where the levels lie far apart, up is the next level but for a rounding, which may be upwards.
        return square > 0 ? (float) Math.sqrt(square) : to * (to / from);
    }
}
