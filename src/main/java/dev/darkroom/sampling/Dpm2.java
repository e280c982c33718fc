package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Karras et al. 2022, algorithm 2 (DPM-Solver-2 in σ space): half a step of Euler's in log σ, and the whole step with the
 * slope found there; the last step, to σ = 0, is Euler's. With noise it is ancestral, as {@link EulerAncestral}. k-diffusion's
 * {@code sample_dpm_2} and {@code sample_dpm_2_ancestral}, diffusers' {@code KDPM2DiscreteScheduler} and {@code
 * KDPM2AncestralDiscreteScheduler}.
 */
final class Dpm2 extends Sampler {

    private float[] begin = NONE;

    Dpm2(SamplerKind kind, NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(kind, schedule, levels, sigmaSpaceInit(schedule, kind, levels), noise, initialNoise);
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
            d[k] = (x[k] - prediction.denoised(x[k], output[k], sigma)) / sigma;
        }
        if (i % 2 == 0) {
            begin = x.clone();
            advance(d, sigmas[i + 1] - sigma);
            return;
        }
        float from = sigmas[i - 1];
        float to = sigmas[i + 1];
        if (kind == SamplerKind.DPM2) {
            advance(d, to - from);
            return;
        }
        advance(d, EulerAncestral.down(from, to) - from);
        float up = EulerAncestral.up(from, to);
        float[] fresh = noise.normal(x.length);
        for (int k = 0; k < x.length; k++) {
            x[k] += fresh[k] * up;
        }
    }

    @Override
    void memory(Memory memory, int i) {
        begin = memory.values(begin);
    }

    private void advance(float[] d, float dt) {
        for (int k = 0; k < x.length; k++) {
            x[k] = begin[k] + d[k] * dt;
        }
    }
}
