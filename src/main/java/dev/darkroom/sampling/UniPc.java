package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;
import java.util.ArrayList;
import java.util.List;

/**
 * Zhao et al. 2023 (UniPC) of second order on predictions of x0 with B(h) = e^h − 1: every evaluation first corrects the step
 * that led to it (UniC, algorithm 5), then predicts the next (UniP, algorithm 6).
 */
final class UniPc extends Sampler {

    private final boolean lowerOrderFinal;
    private final List<float[]> models = new ArrayList<>(); // x0 as predicted at this level, one before, two before
    private float[] begin = NONE; // x where the last step began

    UniPc(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.UNIPC, schedule, levels, 1, noise, initialNoise);
        lowerOrderFinal = !Boolean.FALSE.equals(schedule.config().lowerOrderFinal());
    }

    @Override
    void step(int i, float[] output) {
        float alpha = alphas[i];
        float sigma = sigmas[i] * alpha;
        float[] m = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            m[k] = prediction.denoised(x[k], output[k], alpha, sigma);
        }
        models.add(0, m);
        if (models.size() > 3) {
            models.remove(3);
        }
        if (i > 0) {
            correct(i);
        }
        begin = x.clone();
        predict(i);
    }

    @Override
    void memory(Memory memory, int i) {
        int known = Math.min(3, i);
        memory.list(models, known, known, NONE, memory::values);
        begin = memory.values(begin);
    }

    /** Whether the step from level i is of second order. */
    private boolean secondOrder(int i) {
        return i > 0 && !(lowerOrderFinal && i == timesteps.length - 1);
    }

    /** From level i to i + 1. */
    private void predict(int i) {
        float alpha = alphas[i + 1];
        float h = lambda(i + 1) - lambda(i);
        if (h == 0) {
            return; // the same level again
        }
        float phi = (float) Math.expm1(-h);
        float ratio = sigmas[i + 1] * alpha / (sigmas[i] * alphas[i]);
        float r = secondOrder(i) ? (lambda(i - 1) - lambda(i)) / h : 0;
        boolean second = r != 0;
        float[] m0 = models.get(0);
        float[] m1 = models.get(second ? 1 : 0);
        for (int k = 0; k < x.length; k++) {
            float residual = second ? 0.5f * ((m1[k] - m0[k]) / r) : 0;
            x[k] = ratio * x[k] - alpha * phi * m0[k] - alpha * phi * residual;
        }
    }

    /** The step from level i − 1 to i again, now that the answer at i is known. */
    private void correct(int i) {
        float alpha = alphas[i];
        float h = lambda(i) - lambda(i - 1);
        if (h == 0) {
            return;
        }
        float hh = -h;
        float phi = (float) Math.expm1(hh);
        float phiK = phi / hh - 1;
        float ratio = sigmas[i] * alpha / (sigmas[i - 1] * alphas[i - 1]);
        float r = 0;
        float rho0 = 0;
        float rho1 = 0.5f;
        boolean second = secondOrder(i - 1) && lambda(i - 2) != lambda(i - 1);
        if (second) {
            r = (lambda(i - 2) - lambda(i - 1)) / h;
            float b0 = phiK / phi;
            float b1 = (phiK / hh - 0.5f) * 2 / phi;
            rho0 = (b0 - b1) / (1 - r);
            rho1 = b0 - rho0;
        }
        float[] here = models.get(0);
        float[] m0 = models.get(1);
        float[] m1 = models.get(second ? 2 : 1);
        for (int k = 0; k < x.length; k++) {
            float residual = second ? rho0 * ((m1[k] - m0[k]) / r) : 0;
            residual += rho1 * (here[k] - m0[k]);
            x[k] = ratio * begin[k] - alpha * phi * m0[k] - alpha * phi * residual;
        }
    }
}
