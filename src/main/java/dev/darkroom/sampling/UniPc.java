package dev.darkroom.sampling;

import dev.darkroom.sampling.NoiseSchedule.Levels;
import org.jspecify.annotations.Nullable;

/**
 * Zhao et al. 2023 (UniPC) of second order on predictions of x0 with B(h) = e^h − 1: every evaluation first corrects the step
 * that led to it (UniC, algorithm 5), then predicts the next (UniP, algorithm 6).
 */
final class UniPc extends Sampler {

    private final boolean lowerOrderFinal;
    private final float[][] models = new float[3][]; // x0 as predicted at this level, one before, two before
    private float @Nullable [] begin; // x where the last step began
    private int order;

    UniPc(NoiseSchedule schedule, Levels levels, float[] initialNoise) {
        super(schedule, levels, 1, initialNoise);
        lowerOrderFinal = !Boolean.FALSE.equals(schedule.config().lowerOrderFinal());
    }

    @Override
    void step(int i, float[] output) {
        float alpha = alpha(i);
        float sigma = sigmas[i] * alpha;
        float[] m = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            m[k] = prediction.denoised(x[k], output[k], alpha, sigma);
        }
        System.arraycopy(models, 0, models, 1, 2);
        models[0] = m;
        if (begin != null) {
            correct(i, begin);
        }
        order = Math.min(2, i + 1);
        if (lowerOrderFinal) {
            order = Math.min(order, timesteps.length - i);
        }
        begin = x.clone();
        predict(i);
    }

    /** From level i to i + 1. */
    private void predict(int i) {
        float alpha = alpha(i + 1);
        float h = lambda(i + 1) - lambda(i);
        if (h == 0) {
            return; // the same level again
        }
        float phi = (float) Math.expm1(-h);
        float ratio = sigmas[i + 1] * alpha / (sigmas[i] * alpha(i));
        float r = order == 2 ? (lambda(i - 1) - lambda(i)) / h : 0;
        boolean second = r != 0;
        float[] m0 = models[0];
        for (int k = 0; k < x.length; k++) {
            float residual = second ? 0.5f * ((models[1][k] - m0[k]) / r) : 0;
            x[k] = ratio * x[k] - alpha * phi * m0[k] - alpha * phi * residual;
        }
    }

    /** The step from level i − 1 to i again, now that the answer at i is known. */
    private void correct(int i, float[] from) {
        float alpha = alpha(i);
        float h = lambda(i) - lambda(i - 1);
        if (h == 0) {
            return;
        }
        float hh = -h;
        float phi = (float) Math.expm1(hh);
        float phiK = phi / hh - 1;
        float ratio = sigmas[i] * alpha / (sigmas[i - 1] * alpha(i - 1));
        float r = 0;
        float rho0 = 0;
        float rho1 = 0.5f;
        boolean second = order == 2 && lambda(i - 2) != lambda(i - 1);
        if (second) {
            r = (lambda(i - 2) - lambda(i - 1)) / h;
            float b0 = phiK / phi;
            float b1 = (phiK / hh - 0.5f) * 2 / phi;
            rho0 = (b0 - b1) / (1 - r);
            rho1 = b0 - rho0;
        }
        float[] m0 = models[1];
        for (int k = 0; k < x.length; k++) {
            float residual = second ? rho0 * ((models[2][k] - m0[k]) / r) : 0;
            residual += rho1 * (models[0][k] - m0[k]);
            x[k] = ratio * from[k] - alpha * phi * m0[k] - alpha * phi * residual;
        }
    }

    private float alpha(int i) {
        return 1 / (float) Math.sqrt(sigmas[i] * sigmas[i] + 1);
    }

    private float lambda(int i) {
        float alpha = alpha(i);
        return (float) Math.log(alpha) - (float) Math.log(sigmas[i] * alpha);
    }
}
