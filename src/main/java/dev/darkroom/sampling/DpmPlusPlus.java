package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;
import org.jspecify.annotations.Nullable;

/**
 * Lu et al. 2022 (DPM-Solver++): one step from level s to level t along predictions of x0, λ = log(α/σ), as an ODE or, with
 * noise, as an SDE (its appendix on SDE-DPM-Solver++).
 */
abstract sealed class DpmPlusPlus extends Sampler permits DpmPlusPlus2M, DpmPlusPlus2S {

    DpmPlusPlus(SamplerKind kind, NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(kind, schedule, levels, 1, noise, initialNoise);
    }

    final float[] denoised(int i, float[] output) {
        float alpha = alphas[i];
        float sigma = sigmas[i] * alpha;
        float[] x0 = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            x0[k] = prediction.denoised(x[k], output[k], alpha, sigma);
        }
        return x0;
    }

    /** The noise of one evaluation; null for an ODE. */
    final float @Nullable [] draw() {
        return switch (kind) {
            case DPMPP_2M_SDE, DPMPP_SDE -> noise.normal(x.length);
            default -> null;
        };
    }

    /**
     * Moves {@code from}, at level s, to level t and keeps it as x.
     *
     * @param d0 x0 as predicted
     * @param d1 its slope over the step, or null for a step of first order
     */
    final void move(float[] from, int s, int t, float[] d0, float @Nullable [] d1, float @Nullable [] z) {
        float h = lambda(t) - lambda(s); // infinite where σ ends at 0
        float alpha = alphas[t];
        float sigma = sigmas[t] * alpha;
        float ratio = sigma / (sigmas[s] * alphas[s]);
        float keep = z == null ? ratio : ratio * (float) Math.exp(-h);
        float weight = alpha * (1 - (float) Math.exp(z == null ? -h : -2 * h));
        float fresh =
                sigma * (float) Math.sqrt(Math.max(0, 1 - (float) Math.exp(-2 * h))); // h may round to less than 0
        for (int k = 0; k < x.length; k++) {
            float moved = keep * from[k] + weight * d0[k];
            if (d1 != null) {
                moved += 0.5f * weight * d1[k];
            }
            x[k] = z == null ? moved : moved + fresh * z[k];
        }
    }

    /**
     * {@code (m0 − m1)/r0}.
     *
     * @return null where two levels are the same, which has no slope
     */
    static float @Nullable [] slope(float[] m0, float[] m1, float r0) {
        float inverse = 1 / r0;
        if (!(inverse > 0 && inverse < Float.POSITIVE_INFINITY)) {
            return null;
        }
        float[] d1 = new float[m0.length];
        for (int k = 0; k < d1.length; k++) {
            d1[k] = inverse * (m0[k] - m1[k]);
        }
        return d1;
    }
}
