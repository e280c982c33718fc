package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/** Ho et al. 2020, algorithm 2 with the posterior of equation (7), between the timesteps that are visited. */
final class Ddpm extends Sampler {

    private final NoiseSchedule schedule;
    private final float clip;

    Ddpm(NoiseSchedule schedule, Levels levels, SeededNoise noise, float[] initialNoise) {
        super(SamplerKind.DDPM, schedule, levels, 1, noise, initialNoise);
        this.schedule = schedule;
        clip = schedule.config().clip(SamplerKind.DDPM);
    }

    @Override
    void step(int i, float[] output) {
        boolean last = i == timesteps.length - 1;
        float bar = alphaBar(i);
        float nextBar = last ? 1 : alphaBar(i + 1);
        float alpha = bar == nextBar ? 1 : bar / nextBar; // 0/0 where the last level of zero SNR is visited twice
        float beta = 1 - alpha;
        float toDenoised = (float) Math.sqrt(nextBar) * beta / (1 - bar);
        float toX = (float) Math.sqrt(alpha) * (1 - nextBar) / (1 - bar);
        float posterior = Math.max((1 - nextBar) / (1 - bar) * beta, 1e-20f);
        float deviation = (float) Math.sqrt(schedule.config().largeVariance() ? beta : posterior);
        float[] z = timesteps[i] > 0 ? noise.normal(x.length) : new float[x.length];
        float a = (float) Math.sqrt(bar);
        float s = (float) Math.sqrt(1 - bar);
        for (int k = 0; k < x.length; k++) {
            float denoised = clamp(prediction.denoised(x[k], output[k], a, s), clip);
            x[k] = toDenoised * denoised + toX * x[k] + deviation * z[k];
        }
    }

    private float alphaBar(int i) {
        return schedule.alphaCumprod(
                Math.min((int) timesteps[i], schedule.config().trainTimesteps() - 1));
    }
}
