package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every sampler promises, whatever its formula. */
class SamplerContractTests {

    private static final int SIZE = 48;
    private static final List<Integer> STEPS = List.of(1, 2, 3, 20, 50);

    static Stream<Arguments> samplers() {
        return Arrays.stream(SamplerKind.values())
                .flatMap(kind -> kind.schedules().stream()
                        .map(spacing -> Arguments.argumentSet(kind.id() + " " + spacing.id(), kind, spacing)));
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void aPerfectNetworkLeadsToItsPicture(SamplerKind kind, SigmaSpacing spacing) {
        float[] x0 = new SeededNoise(99).normal(SIZE);
        for (PredictionType prediction : PredictionType.values()) {
            if (kind == SamplerKind.PNDM && prediction != PredictionType.EPSILON) {
                continue; // as in the reference, outputs of several timesteps are combined before they are converted
            }
            for (int steps : STEPS) {
                Sampler sampler = begin(kind, spacing, prediction, steps, 3);
                for (int evaluation = 0; !sampler.done(); evaluation++) {
                    float[] input = sampler.input();
                    float[] output = new float[SIZE];
                    float sigma = sampler.sigmas[evaluation];
                    float alpha = 1 / (float) Math.sqrt(sigma * sigma + 1);
                    for (int k = 0; k < SIZE; k++) {
                        float epsilon = (input[k] - alpha * x0[k]) / (alpha * sigma);
                        output[k] = prediction.target(x0[k], epsilon, alpha, alpha * sigma);
                    }
                    assertThat(Reference.difference(sampler.denoised(output), x0))
                            .as("%s, what a preview of %d steps shows at σ = %s", prediction, steps, sigma)
                            .isLessThan(2e-4 * Math.max(1, sigma));
                    sampler.absorb(output);
                }
                if (kind == SamplerKind.DEIS) {
                    continue; // its walk ends before σ = 0, as the reference's
                }
                assertThat(Reference.difference(sampler.latents(), x0))
                        .as("%s, %d steps", prediction, steps)
                        .isLessThan(2e-4);
            }
        }
    }

    /** Lin et al. 2024: the last level is noise alone, of infinite σ. */
    @ParameterizedTest
    @MethodSource("samplers")
    void drawsWithZeroTerminalSnr(SamplerKind kind, SigmaSpacing spacing) {
        for (PredictionType prediction : PredictionType.values()) {
            for (String timesteps : List.of("leading", "linspace", "trailing")) {
                for (int steps : STEPS) {
                    Sampler sampler = begin(
                            Map.of(
                                    "rescale_betas_zero_snr",
                                    true,
                                    "prediction_type",
                                    prediction.id(),
                                    "timestep_spacing",
                                    timesteps),
                            Sampling.of(kind, spacing, steps));
                    assertAllFinite(sampler, kind + " " + spacing + " " + prediction + " " + timesteps + " " + steps);
                }
            }
        }
    }

    /** Few training levels, all of them visited: the first timestep is then one more than the last level. */
    @ParameterizedTest
    @MethodSource("samplers")
    void drawsWithAsManyStepsAsThereAreLevels(SamplerKind kind, SigmaSpacing spacing) {
        for (boolean zeroTerminalSnr : new boolean[] {false, true}) {
            for (int levels : new int[] {2, 3, 10}) {
                Sampler sampler = begin(
                        Map.of(
                                "num_train_timesteps",
                                levels,
                                "original_inference_steps",
                                levels,
                                "steps_offset",
                                1,
                                "timestep_spacing",
                                "leading",
                                "prediction_type",
                                "v_prediction",
                                "rescale_betas_zero_snr",
                                zeroTerminalSnr),
                        Sampling.of(kind, spacing, levels));
                assertAllFinite(sampler, kind + " " + spacing + " " + levels);
            }
        }
    }

    static Stream<SamplerKind> takingSigmas() {
        return Arrays.stream(SamplerKind.values()).filter(SamplerKind::takesSigmas);
    }

    @ParameterizedTest
    @MethodSource("takingSigmas")
    void walksAnyLevelsThatARequestMayList(SamplerKind kind) {
        Random random = new Random(1);
        for (int i = 0; i < 500; i++) {
            TreeSet<Float> falling = new TreeSet<>(Comparator.reverseOrder());
            for (int k = random.nextInt(5); k >= 0; k--) {
                falling.add((float) Math.pow(10, random.nextDouble() * 12 - 6));
            }
            if (random.nextInt(4) == 0) { // one step as small as there can be
                falling.add(Math.nextUp(falling.first()));
            }
            List<Double> sigmas = falling.stream()
                    .filter(sigma -> sigma >= 1e-6f && sigma <= 1e6f)
                    .map(Float::doubleValue)
                    .toList();
            assertAllFinite(
                    begin(Map.of(), new Sampling(kind, SigmaSpacing.DEFAULT, sigmas.size(), List.of(), sigmas)),
                    "sigmas " + sigmas);
        }
    }

    private static void assertAllFinite(Sampler sampler, String what) {
        while (!sampler.done()) {
            float[] output = network(sampler);
            assertFinite(sampler.denoised(output), "preview: " + what);
            sampler.absorb(output);
        }
        assertFinite(sampler.latents(), what);
    }

    private static void assertFinite(float[] values, String what) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new AssertionError(what + ": " + value);
            }
        }
    }

    private static Sampler begin(Map<String, Object> options, Sampling sampling) {
        Map<String, Object> file = new HashMap<>(Map.of(
                "_class_name",
                "EulerDiscreteScheduler",
                "beta_start",
                0.00085,
                "beta_end",
                0.012,
                "beta_schedule",
                "scaled_linear"));
        file.putAll(options);
        SeededNoise noise = new SeededNoise(7);
        return Sampler.of(sampling, new NoiseSchedule(ScheduleConfig.of(file)), noise, noise.normal(SIZE));
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void takesTheStepsAskedForThroughFallingTimesteps(SamplerKind kind, SigmaSpacing spacing) {
        for (int steps : STEPS) {
            Sampler sampler = begin(kind, spacing, PredictionType.EPSILON, steps, 3);
            float last = Float.POSITIVE_INFINITY;
            int done = 0;
            while (!sampler.done()) {
                assertThat(sampler.stepsDone()).isBetween(done, done + 1).isLessThan(steps);
                done = sampler.stepsDone();
                assertThat(sampler.timestep()).isBetween(0f, 999f).isLessThanOrEqualTo(last + 0.5f); // rounded
                assertThat(sampler.input()).hasSize(SIZE);
                last = sampler.timestep();
                sampler.absorb(network(sampler));
                assertThat(sampler.latents()).hasSize(SIZE);
                for (float value : sampler.latents()) {
                    assertThat(value).isFinite();
                }
            }
            assertThat(sampler.done()).isTrue();
            assertThat(sampler.steps()).isEqualTo(steps).isEqualTo(sampler.stepsDone());
        }
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void aPictureIsTheSameAloneAsBesideOthers(SamplerKind kind, SigmaSpacing spacing) {
        float[] alone = finish(begin(kind, spacing, PredictionType.EPSILON, 9, 11));
        Sampler sampler = begin(kind, spacing, PredictionType.EPSILON, 9, 11);
        List<Sampler> others = Arrays.stream(SamplerKind.values())
                .map(other -> begin(other, SigmaSpacing.DEFAULT, PredictionType.EPSILON, 20, 12))
                .toList();
        while (!sampler.done()) {
            others.forEach(other -> other.absorb(network(other)));
            sampler.absorb(network(sampler));
        }
        assertThat(sampler.latents()).isEqualTo(alone);
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void anotherSeedIsAnotherPicture(SamplerKind kind, SigmaSpacing spacing) {
        assertThat(finish(begin(kind, spacing, PredictionType.EPSILON, 5, 1)))
                .isNotEqualTo(finish(begin(kind, spacing, PredictionType.EPSILON, 5, 2)));
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void handsOutCopies(SamplerKind kind, SigmaSpacing spacing) {
        Sampler sampler = begin(kind, spacing, PredictionType.EPSILON, 5, 1);
        float[] before = sampler.latents();
        Arrays.fill(sampler.input(), 7);
        Arrays.fill(sampler.latents(), 7);
        assertThat(sampler.latents()).isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void refusesMisuse(SamplerKind kind, SigmaSpacing spacing) {
        Sampler sampler = begin(kind, spacing, PredictionType.EPSILON, 1, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sampler.absorb(new float[SIZE + 1]))
                .withMessageContaining("expected 48")
                .withMessageContaining("found 49");
        sampler.absorb(network(sampler));
        assertThatIllegalStateException().isThrownBy(sampler::timestep);
        assertThatIllegalStateException().isThrownBy(sampler::input);
        assertThatIllegalStateException().isThrownBy(() -> sampler.absorb(new float[SIZE]));
    }

    private static Sampler begin(
            SamplerKind kind, SigmaSpacing spacing, PredictionType prediction, int steps, long seed) {
        NoiseSchedule schedule = new NoiseSchedule(ScheduleConfig.of(Map.of(
                "_class_name",
                "DDIMScheduler",
                "beta_start",
                0.00085,
                "beta_end",
                0.012,
                "beta_schedule",
                "scaled_linear",
                "prediction_type",
                prediction.id(),
                "clip_sample",
                false,
                "set_alpha_to_one",
                true)));
        SeededNoise noise = new SeededNoise(seed);
        return Sampler.of(Sampling.of(kind, spacing, steps), schedule, noise, noise.normal(SIZE));
    }

    private static float[] finish(Sampler sampler) {
        while (!sampler.done()) {
            sampler.absorb(network(sampler));
        }
        return sampler.latents();
    }

    private static float[] network(Sampler sampler) {
        float[] output = sampler.input();
        for (int k = 0; k < output.length; k++) {
            output[k] = output[k] * (float) Math.cos(sampler.timestep()) + 0.1f;
        }
        return output;
    }
}
