package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;
import java.util.ArrayList;
import java.util.List;

/**
 * Linear multistep method on dx/dσ = (x − x0)/σ: the slopes of up to four levels, each times the integral of its Lagrange
 * polynomial over the step (Adams-Bashforth with uneven steps), k-diffusion's {@code sample_lms}.
 */
final class Lms extends Sampler {

    private static final int ORDER = 4;
    /** Gauss-Legendre with three points: exact for the cubic polynomials here. */
    private static final double[][] GAUSS = {{-Math.sqrt(0.6), 5 / 9.0}, {0, 8 / 9.0}, {Math.sqrt(0.6), 5 / 9.0}};

    /** The slope at a level. */
    private record Slope(float sigma, float[] d) {}

    private final List<Slope> slopes = new ArrayList<>(); // the newest first, at different levels

    Lms(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(
                SamplerKind.LMS,
                schedule,
                levels,
                sigmaSpaceInit(schedule, SamplerKind.LMS, levels),
                noise,
                initialNoise);
    }

    @Override
    float[] scaledInput(int i) {
        return scaled(x, sigmas[i]);
    }

    @Override
    void step(int i, float[] output) {
        float[] d = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            d[k] = (x[k] - prediction.denoised(x[k], output[k], sigmas[i])) / sigmas[i];
        }
        if (!slopes.isEmpty() && slopes.get(0).sigma == sigmas[i]) {
            slopes.remove(0);
        }
        slopes.add(0, new Slope(sigmas[i], d));
        if (slopes.size() > ORDER) {
            slopes.remove(ORDER);
        }
        int order = slopes.size();
        for (int j = 0; j < order; j++) {
            float c = (float) coefficient(order, i, j);
            float[] slope = slopes.get(j).d;
            for (int k = 0; k < x.length; k++) {
                x[k] += c * slope[k];
            }
        }
    }

    @Override
    void memory(Memory memory, int i) {
        memory.list(
                slopes,
                Math.min(1, i),
                Math.min(ORDER, i),
                new Slope(0, NONE),
                slope -> new Slope((float) memory.number(slope.sigma), memory.values(slope.d)));
    }

    private double coefficient(int order, int i, int j) {
        double from = sigmas[i];
        double to = sigmas[i + 1];
        double integral = 0;
        for (double[] node : GAUSS) {
            double tau = (from + to) / 2 + (to - from) / 2 * node[0];
            double product = 1;
            for (int k = 0; k < order; k++) {
                if (k != j) {
                    product *= (tau - slopes.get(k).sigma) / ((double) slopes.get(j).sigma - slopes.get(k).sigma);
                }
            }
            integral += node[1] * product;
        }
        return integral * (to - from) / 2;
    }
}
