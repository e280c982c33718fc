package dev.darkroom.sampling;

import dev.darkroom.sampling.NoiseSchedule.Levels;
import org.jspecify.annotations.Nullable;

/**
 * Lu et al. 2022 (DPM-Solver++), algorithm 2: the second-order multistep solver in its midpoint form, λ = log(α/σ). The first
 * step and the last one, to σ = 0, are of first order.
 */
final class DpmPlusPlus2M extends Sampler {

    private float @Nullable [] previous; // x0 as predicted one step before

    DpmPlusPlus2M(NoiseSchedule schedule, Levels levels, float[] initialNoise) {
        super(schedule, levels, 1, initialNoise);
    }

    @Override
    void step(int i, float[] output) {
        float alphaS = alpha(i);
        float sigmaS = sigmas[i] * alphaS;
        float alphaT = alpha(i + 1);
        float sigmaT = sigmas[i + 1] * alphaT;
        float h = lambda(i + 1) - lambda(i); // infinite in the last step
        float ratio = sigmaT / sigmaS;
        float weight = alphaT * ((float) Math.exp(-h) - 1);
        float[] m1 = previous;
        boolean firstOrder = m1 == null || i == timesteps.length - 1;
        float inverseR0 = firstOrder ? 0 : 1 / ((lambda(i) - lambda(i - 1)) / h);
        float[] m0 = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            m0[k] = prediction.denoised(x[k], output[k], alphaS, sigmaS);
            x[k] = ratio * x[k] - weight * m0[k];
            if (m1 != null && !firstOrder) {
                float d1 = inverseR0 * (m0[k] - m1[k]);
                x[k] -= 0.5f * weight * d1;
            }
        }
        previous = m0;
    }

    private float alpha(int i) {
        return 1 / (float) Math.sqrt(sigmas[i] * sigmas[i] + 1);
    }

    private float lambda(int i) {
        float alpha = alpha(i);
        return (float) Math.log(alpha) - (float) Math.log(sigmas[i] * alpha);
    }
}
