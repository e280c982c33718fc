package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Karras et al. 2022, algorithm 1: Euler's step to the next level, and back to take it again with the mean of the slopes at
 * both ends. The last step, to σ = 0, is Euler's.
 */
final class Heun extends Sampler {

    private final float clip;
    private float[] begin = NONE;
    private float[] slope = NONE;

    Heun(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(
                SamplerKind.HEUN,
                schedule,
                levels,
                sigmaSpaceInit(schedule, SamplerKind.HEUN, levels),
                noise,
                initialNoise);
        clip = schedule.config().clip(SamplerKind.HEUN);
    }

    @Override
    float[] scaledInput(int i) {
        return scaled(x, sigmas[i]);
    }

    @Override
    void step(int i, float[] output) {
        float sigma = sigmas[i];
        float[] d = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            d[k] = (x[k] - clamp(prediction.denoised(x[k], output[k], sigma), clip)) / sigma;
        }
        if (i % 2 == 0) {
            begin = x.clone();
            slope = d;
            advance(d, sigmas[i + 1] - sigma);
        } else {
            for (int k = 0; k < d.length; k++) {
                d[k] = (slope[k] + d[k]) / 2;
            }
            advance(d, sigma - sigmas[i - 1]);
        }
    }

    @Override
    void memory(Memory memory, int i) {
        begin = memory.values(begin);
        slope = memory.values(slope);
    }

    private void advance(float[] d, float dt) {
        for (int k = 0; k < x.length; k++) {
            x[k] = begin[k] + d[k] * dt;
        }
    }
}
