package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class NoiseScheduleTests {

    static Stream<JsonNode> alphas() {
        return Reference.read().get("alphas").valueStream();
    }

    @ParameterizedTest
    @MethodSource("alphas")
    void hasTheAlphasOfDiffusersToTheLastBit(JsonNode table) {
        Map<String, Object> config = new HashMap<>();
        config.put("_class_name", "DDIMScheduler");
        config.put("beta_schedule", table.get("beta_schedule").stringValue());
        config.put("num_train_timesteps", table.get("num_train_timesteps").intValue());
        NoiseSchedule schedule = new NoiseSchedule(ScheduleConfig.of(config));
        for (int i = 0; i < table.get("at").size(); i++) {
            int t = table.get("at").get(i).intValue();
            float expected = (float) table.get("alphas_cumprod").get(i).doubleValue();
            assertThat(schedule.alphaCumprod(t)).as("alphas_cumprod[%d]", t).isEqualTo(expected);
        }
    }

    @Test
    void knowsTheTimestepsOfTheLiterature() {
        assertThat(timesteps(TimestepSpacing.LEADING, SamplerKind.DDIM, 10)) // Lin et al. 2024, table 2, from 0
                .containsExactly(900, 800, 700, 600, 500, 400, 300, 200, 100, 0);
        assertThat(timesteps(TimestepSpacing.TRAILING, SamplerKind.DDIM, 10))
                .containsExactly(999, 899, 799, 699, 599, 499, 399, 299, 199, 99);
        assertThat(timesteps(TimestepSpacing.LINSPACE, SamplerKind.DDIM, 10))
                .containsExactly(999, 888, 777, 666, 555, 444, 333, 222, 111, 0);
        assertThat(timesteps(TimestepSpacing.LINSPACE, SamplerKind.EULER, 5))
                .containsExactly(999, 749.25f, 499.5f, 249.75f, 0);
        assertThat(timesteps(
                        TimestepSpacing.LINSPACE, SamplerKind.DPMPP_2M, 4)) // one point more, 0 left out; half to even
                .containsExactly(999, 749, 500, 250);
    }

    @ParameterizedTest
    @EnumSource
    void levelsFallToZeroAtAnyNumberOfSteps(SamplerKind kind) {
        for (TimestepSpacing timestepSpacing : TimestepSpacing.values()) {
            NoiseSchedule schedule = schedule(timestepSpacing);
            for (SigmaSpacing spacing : kind.schedules()) {
                for (int steps = 1; steps <= (kind == SamplerKind.LCM ? 50 : 150); steps++) {
                    NoiseSchedule.Levels levels = schedule.levels(Sampling.of(kind, spacing, steps));
                    int evaluations = levels.timesteps().length;
                    assertThat(levels.steps()).isEqualTo(steps);
                    assertThat(evaluations)
                            .isEqualTo(
                                    switch (kind) {
                                        case HEUN, DPM2, DPM2_ANCESTRAL -> 2 * steps - 1;
                                        case PNDM -> steps == 1 ? 1 : steps + 1;
                                        default -> steps;
                                    });
                    assertThat(levels.sigmas()).hasSize(evaluations + 1);
                    if (kind == SamplerKind.DEIS) {
                        assertThat(levels.sigmas()[evaluations]).isPositive();
                        continue; // ends at the first training level, or where it is
                    }
                    assertThat(levels.sigmas()[evaluations]).isZero();
                    for (int i = 0; i < evaluations; i++) {
                        boolean again = kind == SamplerKind.HEUN && i % 2 == 1 || kind == SamplerKind.PNDM && i == 1;
                        float next = levels.sigmas()[i + 1];
                        if (kind == SamplerKind.DPM2_ANCESTRAL && i % 2 == 1) {
                            // In log σ the next level is the middle of the way down to to²/from, but for the roundings
                            // of √(to² − up²), which leave little of it where the levels lie far apart.
                            float near = levels.sigmas()[i - 1] < 300 * next ? 1.01f : 4;
                            assertThat(levels.sigmas()[i]).isBetween(next / near, next * near);
                            continue;
                        }
                        assertThat(levels.sigmas()[i])
                                .as("%s %s, level %d of %d", timestepSpacing, spacing, i, steps)
                                .satisfies(sigma -> assertThat(again && next > 0 ? sigma == next : sigma > next)
                                        .isTrue());
                        assertThat(levels.timesteps()[i]).isBetween(0f, 999f);
                    }
                }
            }
        }
    }

    @Test
    void sigmaIsTheNoiseToSignalRatio() {
        NoiseSchedule schedule = schedule(TimestepSpacing.LEADING);
        float alpha = schedule.alphaCumprod(500);
        assertThat((double) schedule.sigma(500) * schedule.sigma(500)).isCloseTo((1 - alpha) / alpha, offset(1e-5));
    }

    @Test
    void predictionsConvertBackToWhatTheyWereMadeOf() {
        float alpha = 0.6f;
        float sigma = 0.8f;
        float x0 = 1.25f;
        float epsilon = -0.5f;
        float x = alpha * x0 + sigma * epsilon;
        for (PredictionType prediction : PredictionType.values()) {
            float output = prediction.target(x0, epsilon, alpha, sigma);
            Offset<Float> near = offset(1e-6f);
            assertThat(prediction.denoised(x, output, alpha, sigma)).isCloseTo(x0, near);
            assertThat(prediction.epsilon(x, output, alpha, sigma)).isCloseTo(epsilon, near);
            assertThat(prediction.denoised(x / alpha, output, sigma / alpha)).isCloseTo(x0, near);
        }
    }

    @Test
    void refusesMoreStepsThanLevels() {
        NoiseSchedule few =
                new NoiseSchedule(ScheduleConfig.of(Map.of("_class_name", "DDIMScheduler", "num_train_timesteps", 9)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> few.levels(Sampling.of(SamplerKind.DDIM, SigmaSpacing.DEFAULT, 10)))
                .withMessage("steps must be between 1 and 9; given: 10");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> schedule(TimestepSpacing.LEADING)
                        .levels(Sampling.of(SamplerKind.LCM, SigmaSpacing.DEFAULT, 51)))
                .withMessage("steps must be between 1 and 50 with sampler lcm; given: 51");
    }

    private static float[] timesteps(TimestepSpacing spacing, SamplerKind kind, int steps) {
        return schedule(spacing)
                .levels(Sampling.of(kind, SigmaSpacing.DEFAULT, steps))
                .timesteps();
    }

    private static NoiseSchedule schedule(TimestepSpacing spacing) {
        return new NoiseSchedule(
                ScheduleConfig.of(Map.of("_class_name", "DDIMScheduler", "timestep_spacing", spacing.id())));
    }
}
