package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * Lu et al. 2022 (DPM-Solver++), algorithm 2: the second-order multistep solver in its midpoint form; with noise its SDE
 * variant. The first step and the last one, to σ = 0, are of first order.
 */
final class DpmPlusPlus2M extends DpmPlusPlus {
    /** Fewer steps than this end with a step of first order even where σ does not end at 0. */
    private static final int FEW_STEPS = 15;

    private final boolean firstOrderAtLast;
    private float[] previous = NONE; // x0 as predicted one step before

    DpmPlusPlus2M(SamplerKind kind, NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(kind, schedule, levels, noise, initialNoise);
        ScheduleConfig config = schedule.config();
        boolean lowerOrderFinal = !Boolean.FALSE.equals(config.lowerOrderFinal());
        firstOrderAtLast =
                !config.endAtSigmaMin() || config.eulerAtFinal() || lowerOrderFinal && timesteps.length < FEW_STEPS;
    }

    @Override
    void step(int i, float[] output) {
        float[] m0 = denoised(i, output);
        float[] d1 = null;
        if (i > 0 && !(firstOrderAtLast && i == timesteps.length - 1)) {
            d1 = slope(m0, previous, (lambda(i) - lambda(i - 1)) / (lambda(i + 1) - lambda(i)));
        }
        move(x.clone(), i, i + 1, m0, d1, draw());
        previous = m0;
    }

    @Override
    void memory(Memory memory, int i) {
        previous = memory.values(previous);
    }
}
