package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;
import java.util.ArrayList;
import java.util.List;

/**
 * Liu et al. 2022 (PNDM), the pseudo linear multistep method of equations (9) and (12) from the first step on; instead of
 * its Runge-Kutta beginning the first step is taken a second time, with the mean of both ends' ε.
 */
final class Pndm extends Sampler {

    private final NoiseSchedule schedule;
    private final List<float[]> epsilons = new ArrayList<>(); // the newest last, at most 4
    private float[] begin = NONE;

    Pndm(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.PNDM, schedule, levels, 1, noise, initialNoise);
        this.schedule = schedule;
    }

    @Override
    void step(int i, float[] output) {
        int stride = schedule.config().trainTimesteps() / steps();
        int t = (int) timesteps[i];
        int next = t - stride;
        float[] e = output;
        if (i == 1) {
            next = t;
            t += stride;
            e = combine(0.5f, output, 0.5f, epsilons.get(0));
            System.arraycopy(begin, 0, x, 0, x.length);
        } else {
            epsilons.add(output.clone());
            if (epsilons.size() > 4) {
                epsilons.remove(0);
            }
            int n = epsilons.size();
            switch (n) {
                case 1 -> begin = x.clone();
                case 2 -> e = combine(3 / 2f, epsilons.get(1), -1 / 2f, epsilons.get(0));
                case 3 -> e = combine(23 / 12f, epsilons.get(2), -16 / 12f, epsilons.get(1), 5 / 12f, epsilons.get(0));
                default ->
                    e = combine(
                            55 / 24f,
                            epsilons.get(3),
                            -59 / 24f,
                            epsilons.get(2),
                            37 / 24f,
                            epsilons.get(1),
                            -9 / 24f,
                            epsilons.get(0));
            }
        }
        transfer(t, next, e);
    }

    @Override
    void memory(Memory memory, int i) {
        int taken = Math.min(4, i < 2 ? i : i - 1); // the second evaluation repeats the first step
        memory.list(epsilons, taken, taken, NONE, memory::values);
        begin = memory.values(begin);
    }

    /** Factor, array, factor, array … */
    private static float[] combine(Object... terms) {
        float[] sum = new float[((float[]) terms[1]).length];
        for (int j = 0; j < terms.length; j += 2) {
            float factor = (Float) terms[j];
            float[] values = (float[]) terms[j + 1];
            for (int k = 0; k < sum.length; k++) {
                sum[k] += factor * values[k];
            }
        }
        return sum;
    }

    /** Equation (9): from timestep t to next along ε. */
    private void transfer(int t, int next, float[] output) {
        int last = schedule.config().trainTimesteps() - 1;
        float bar = schedule.alphaCumprod(Math.min(t, last));
        float nextBar = next < 0 && schedule.config().setAlphaToOne(SamplerKind.PNDM)
                ? 1
                : schedule.alphaCumprod(Math.max(0, Math.min(next, last)));
        float a = (float) Math.sqrt(bar);
        float s = (float) Math.sqrt(1 - bar);
        float denominator = bar * (float) Math.sqrt(1 - nextBar) + (float) Math.sqrt(bar * (1 - bar) * nextBar);
        float scale = (float) Math.sqrt(nextBar / bar);
        for (int k = 0; k < x.length; k++) {
            float epsilon = prediction.epsilon(x[k], output[k], a, s);
            x[k] = scale * x[k] - (nextBar - bar) * epsilon / denominator;
        }
    }
}
