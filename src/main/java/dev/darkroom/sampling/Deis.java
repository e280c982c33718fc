package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Zhang and Chen 2023 (DEIS), the multistep method of second order whose polynomial is in log ρ, ρ = σ of a sample that is
 * not scaled down. As in diffusers it ends at the first training level, not at 0.
 */
final class Deis extends Sampler {
    /** Fewer steps than this end with a step of first order. */
    private static final int FEW_STEPS = 15;

    private final boolean firstOrderAtLast;
    private float[] previous = NONE; // ε as predicted one step before

    Deis(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.DEIS, schedule, levels, 1, noise, initialNoise);
        firstOrderAtLast = !Boolean.FALSE.equals(schedule.config().lowerOrderFinal()) && timesteps.length < FEW_STEPS;
    }

    @Override
    void step(int i, float[] output) {
        float alpha = alphas[i];
        float sigma = sigmas[i] * alpha;
        float nextAlpha = alphas[i + 1];
        float nextSigma = sigmas[i + 1] * nextAlpha;
        float[] m0 = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            m0[k] = (x[k] - alpha * prediction.denoised(x[k], output[k], alpha, sigma)) / sigma;
        }
        float[] m1 = previous;
        float rho1 = i == 0 ? 0 : rho(i - 1);
        float rho0 = rho(i);
        if (i == 0 || firstOrderAtLast && i == timesteps.length - 1 || rho0 == rho1) {
            float h = lambda(i + 1) - lambda(i);
            float weight = nextSigma * ((float) Math.exp(h) - 1);
            for (int k = 0; k < x.length; k++) {
                x[k] = nextAlpha / alpha * x[k] - weight * m0[k];
            }
        } else {
            float rho = rho(i + 1);
            float c0 = integral(rho, rho0, rho1) - integral(rho0, rho0, rho1);
            float c1 = integral(rho, rho1, rho0) - integral(rho0, rho1, rho0);
            for (int k = 0; k < x.length; k++) {
                x[k] = nextAlpha * (x[k] / alpha + c0 * m0[k] + c1 * m1[k]);
            }
        }
        previous = m0;
    }

    @Override
    void memory(Memory memory, int i) {
        previous = memory.values(previous);
    }

    /** ∫ (log t − log c)/(log b − log c) dt. */
    private static float integral(float t, float b, float c) {
        float logB = (float) Math.log(b);
        float logC = (float) Math.log(c);
        return t * (-logC + (float) Math.log(t) - 1) / (logB - logC);
    }

    private float rho(int i) {
        return sigmas[i] * alphas[i] / alphas[i];
    }
}
