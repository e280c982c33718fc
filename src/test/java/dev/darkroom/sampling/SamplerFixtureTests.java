package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The expected sums of diffusers' own scheduler tests ({@code tests/schedulers/}): x = arange(768)/768, ε = x·t/(t + 1), ten
 * steps over linear β from 1e-4 to 0.02.
 */
class SamplerFixtureTests {

    @Test
    void ddim() {
        assertThat(sum(run(SamplerKind.DDIM, SigmaSpacing.DEFAULT, 1000, PredictionType.EPSILON)))
                .isCloseTo(172.0067, offset(1e-2));
    }

    @Test
    void ddimWithVPrediction() {
        assertThat(sum(run(SamplerKind.DDIM, SigmaSpacing.DEFAULT, 1000, PredictionType.V_PREDICTION)))
                .isCloseTo(52.5302, offset(1e-2));
    }

    @Test
    void euler() {
        assertThat(sum(run(SamplerKind.EULER, SigmaSpacing.DEFAULT, 1100, PredictionType.EPSILON)))
                .isCloseTo(10.0807, offset(1e-2));
    }

    @Test
    void eulerOverKarrasLevels() {
        assertThat(sum(run(SamplerKind.EULER, SigmaSpacing.KARRAS, 1100, PredictionType.EPSILON)))
                .isCloseTo(124.52299499511719, offset(1e-2));
    }

    @Test
    void eulerAncestral() {
        assertThat(sum(run(SamplerKind.EULER_ANCESTRAL, SigmaSpacing.DEFAULT, 1100, PredictionType.EPSILON)))
                .isCloseTo(152.3192, offset(1e-2));
    }

    private static float[] run(SamplerKind kind, SigmaSpacing spacing, int trainTimesteps, PredictionType prediction) {
        Map<String, Object> config = new HashMap<>();
        config.put("_class_name", "DDIMScheduler");
        config.put("num_train_timesteps", trainTimesteps);
        config.put("prediction_type", prediction.id());
        Sampler sampler = Sampler.of(
                Sampling.of(kind, spacing, 10),
                new NoiseSchedule(ScheduleConfig.of(config)),
                new SeededNoise(0), // draws step noise only: x is given
                fixture());
        while (!sampler.done()) {
            float[] input = sampler.input();
            // The fixture's loop hands the scaled sample to step() as if it were the latents.
            System.arraycopy(input, 0, sampler.x, 0, input.length);
            float t = sampler.timestep();
            for (int k = 0; k < input.length; k++) {
                input[k] = input[k] * t / (t + 1);
            }
            sampler.absorb(input);
        }
        return sampler.latents();
    }

    /** arange(768)/768 as (3,8,8,4), permuted to (4,3,8,8): the order decides which noise meets which element. */
    private static float[] fixture() {
        float[] x = new float[768];
        for (int last = 0; last < 4; last++) {
            for (int k = 0; k < 192; k++) {
                x[last * 192 + k] = (k * 4 + last) / 768f;
            }
        }
        return x;
    }

    private static double sum(float[] x) {
        double sum = 0;
        for (float value : x) {
            sum += Math.abs(value);
        }
        return sum;
    }
}
