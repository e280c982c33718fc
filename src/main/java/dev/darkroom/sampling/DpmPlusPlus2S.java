package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Lu et al. 2022 (DPM-Solver++), algorithm 1: single steps of second order, each over two intervals with one evaluation in
 * between; {@code DPMSolverSinglestepScheduler} in diffusers. With noise it is what diffusers' table of samplers lists as
 * "DPM++ SDE", {@code sde-dpmsolver++} there; k-diffusion's sampler of that name draws from a Brownian tree instead. As there, an interval counts
 * as a step.
 */
final class DpmPlusPlus2S extends DpmPlusPlus {

    private final boolean[] secondOrder;
    private float[] begin = NONE; // x at the last interval of first order
    private float[] previous = NONE;

    DpmPlusPlus2S(SamplerKind kind, NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(kind, schedule, levels, noise, initialNoise);
        int n = timesteps.length;
        boolean toTheEnd = schedule.config().endAtSigmaMin()
                && !Boolean.TRUE.equals(schedule.config().lowerOrderFinal())
                && n % 2 == 0;
        secondOrder = new boolean[n];
        for (int i = 1; i < n; i += 2) {
            secondOrder[i] = i < n - 1 || toTheEnd;
        }
    }

    @Override
    void step(int i, float[] output) {
        float[] m0 = denoised(i, output);
        float[] z = draw();
        if (secondOrder[i]) {
            float h = lambda(i + 1) - lambda(i - 1);
            move(begin, i - 1, i + 1, previous, slope(m0, previous, (lambda(i) - lambda(i - 1)) / h), z);
        } else {
            begin = x.clone();
            move(begin, i, i + 1, m0, null, z);
        }
        previous = m0;
    }

    @Override
    void memory(Memory memory, int i) {
        begin = memory.values(begin);
        previous = memory.values(previous);
    }
}
