package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/** Karras et al. 2022, algorithm 1 without its second-order correction: Euler's method on dx/dσ = (x − x0)/σ. */
final class Euler extends Sampler {

    Euler(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(
                SamplerKind.EULER,
                schedule,
                levels,
                sigmaSpaceInit(schedule, SamplerKind.EULER, levels),
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
        float dt = sigmas[i + 1] - sigma;
        for (int k = 0; k < x.length; k++) {
            float denoised = prediction.denoised(x[k], output[k], sigma);
            float d = (x[k] - denoised) / sigma;
            x[k] += d * dt;
        }
    }
}
