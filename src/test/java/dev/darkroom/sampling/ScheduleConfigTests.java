package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleConfigTests {

    @Test
    void readsTheFileOfStableDiffusion15() {
        Map<String, @Nullable Object> file = file("PNDMScheduler");
        file.put("_diffusers_version", "0.7.0.dev0");
        file.put("beta_end", 0.012);
        file.put("beta_schedule", "scaled_linear");
        file.put("beta_start", 0.00085);
        file.put("num_train_timesteps", 1000);
        file.put("set_alpha_to_one", false);
        file.put("skip_prk_steps", true);
        file.put("steps_offset", 1);
        file.put("trained_betas", null);
        file.put("clip_sample", false);

        ScheduleConfig config = ScheduleConfig.of(file);

        assertThat(config)
                .isEqualTo(new ScheduleConfig(
                        1000,
                        0.00085,
                        0.012,
                        BetaSchedule.SCALED_LINEAR,
                        PredictionType.EPSILON,
                        null,
                        1,
                        false,
                        false,
                        1,
                        SigmaSpacing.DEFAULT,
                        false,
                        false,
                        false,
                        null,
                        false,
                        50,
                        10));
        assertThat(config.timestepSpacing(SamplerKind.DDIM)).isEqualTo(TimestepSpacing.LEADING);
        assertThat(config.timestepSpacing(SamplerKind.EULER)).isEqualTo(TimestepSpacing.LINSPACE);
    }

    @Test
    void fillsInTheDefaultsOfDiffusers() {
        assertThat(ScheduleConfig.of(file("DDIMScheduler")))
                .isEqualTo(new ScheduleConfig(
                        1000,
                        1e-4,
                        0.02,
                        BetaSchedule.LINEAR,
                        PredictionType.EPSILON,
                        null,
                        0,
                        null,
                        null,
                        1,
                        SigmaSpacing.DEFAULT,
                        false,
                        false,
                        false,
                        null,
                        false,
                        50,
                        10));
    }

    @Test
    void whatIsMissingIsAsEachSamplersClassInDiffusersHasIt() {
        ScheduleConfig config = ScheduleConfig.of(file("DDIMScheduler"));
        assertThat(config.setAlphaToOne(SamplerKind.DDIM)).isTrue();
        assertThat(config.setAlphaToOne(SamplerKind.PNDM)).isFalse();
        assertThat(config.clip(SamplerKind.DDPM)).isEqualTo(1);
        assertThat(config.clip(SamplerKind.HEUN)).isInfinite();
    }

    @Test
    void readsEveryValue() {
        Map<String, @Nullable Object> file = file("EulerDiscreteScheduler");
        file.put("num_train_timesteps", 500);
        file.put("beta_start", 0.001);
        file.put("beta_end", 0.01);
        file.put("beta_schedule", "squaredcos_cap_v2");
        file.put("prediction_type", "v_prediction");
        file.put("timestep_spacing", "trailing");
        file.put("steps_offset", 3);
        file.put("set_alpha_to_one", false);
        file.put("clip_sample", false);
        file.put("clip_sample_range", 2);
        file.put("use_karras_sigmas", true);
        file.put("rescale_betas_zero_snr", true);
        file.put("final_sigmas_type", "sigma_min");
        file.put("euler_at_final", true);
        file.put("lower_order_final", false);
        file.put("variance_type", "fixed_large");
        file.put("original_inference_steps", 25);
        file.put("timestep_scaling", 5);

        assertThat(ScheduleConfig.of(file))
                .isEqualTo(new ScheduleConfig(
                        500,
                        0.001,
                        0.01,
                        BetaSchedule.SQUAREDCOS_CAP_V2,
                        PredictionType.V_PREDICTION,
                        TimestepSpacing.TRAILING,
                        3,
                        false,
                        false,
                        2,
                        SigmaSpacing.KARRAS,
                        true,
                        true,
                        true,
                        false,
                        true,
                        25,
                        5));
    }

    @Test
    void acceptsAFileWrittenByTheMultistepSolver() {
        Map<String, @Nullable Object> file = file("DPMSolverMultistepScheduler");
        file.put("algorithm_type", "dpmsolver++");
        file.put("solver_order", 2);
        file.put("solver_type", "midpoint");
        file.put("lower_order_final", true);
        file.put("thresholding", false);
        file.put("sample_max_value", 1.0);
        file.put("dynamic_thresholding_ratio", 0.995);
        file.put("lambda_min_clipped", Double.NEGATIVE_INFINITY);
        file.put("variance_type", null);
        file.put("final_sigmas_type", "zero");
        assertThat(ScheduleConfig.of(file).trainTimesteps()).isEqualTo(1000);
    }

    @ParameterizedTest
    @CsvSource({
        "_class_name, FlowMatchEulerDiscreteScheduler",
        "beta_schedule, sigmoid",
        "prediction_type, flow_prediction",
        "timestep_spacing, evenly",
        "clip_sample, yes",
        "beta_start, small"
    })
    void refusesAnUnknownName(String key, String found) {
        refuses(key, found);
    }

    @ParameterizedTest
    @CsvSource({
        "EulerDiscreteScheduler, interpolation_type, log_linear",
        "EulerDiscreteScheduler, timestep_type, continuous",
        "DDPMScheduler, variance_type, learned_range",
        "DDPMScheduler, variance_type, fixed_large_log",
        "DPMSolverMultistepScheduler, solver_type, heun",
        "UniPCMultistepScheduler, solver_type, bh1",
        "DPMSolverMultistepScheduler, algorithm_type, dpmsolver"
    })
    void refusesWhatTheFilesOwnClassDoesOtherwise(String writer, String key, String found) {
        refuses(writer, key, found);
    }

    @ParameterizedTest
    @CsvSource({"thresholding", "use_lu_lambdas", "use_flow_sigmas", "use_dynamic_shifting"})
    void refusesAnOptionThatIsNotThere(String key) {
        refuses("DPMSolverMultistepScheduler", key, true);
    }

    @ParameterizedTest
    @CsvSource({
        "num_train_timesteps, 1",
        "num_train_timesteps, 10.5",
        "beta_start, 0.5",
        "beta_end, 1",
        "steps_offset, -1",
        "clip_sample_range, 0",
        "original_inference_steps, 0",
        "timestep_scaling, NaN",
        "beta_end, -Infinity"
    })
    void refusesANumberOutOfBounds(String key, double found) {
        refuses(key, found);
    }

    @ParameterizedTest
    @CsvSource({
        "DPMSolverMultistepScheduler, solver_order, 3",
        "DPMSolverMultistepScheduler, lambda_min_clipped, -5.1",
        "EulerDiscreteScheduler, sigma_max, 80"
    })
    void refusesANumberThatTheFilesOwnClassDrawsOtherwiseWith(String writer, String key, double found) {
        refuses(writer, key, found);
    }

    @Test
    void refusesPndmsRungeKuttaBeginning() {
        refuses("skip_prk_steps", false);
    }

    @Test
    void refusesTwoSpacingsAtOnce() {
        Map<String, @Nullable Object> file = file("EulerDiscreteScheduler");
        file.put("use_karras_sigmas", true);
        file.put("use_beta_sigmas", true);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScheduleConfig.of(file))
                .withMessageContaining("use_beta_sigmas: expected false, since use_karras_sigmas is true");
    }

    @Test
    void refusesTrainedBetas() {
        refuses("trained_betas", List.of(0.1, 0.2));
    }

    /** {@code X.from_config} keeps what other classes wrote, and X never looks at it. */
    @Test
    void doesNotReadOptionsOfOtherClasses() {
        Map<String, @Nullable Object> file = file("EulerAncestralDiscreteScheduler");
        file.put("algorithm_type", "dpmsolver");
        file.put("solver_order", 3);
        file.put("solver_type", "heun");
        file.put("thresholding", true);
        file.put("use_lu_lambdas", true);
        file.put("use_flow_sigmas", true);
        file.put("sigma_max", 80.0);
        file.put("interpolation_type", "log_linear");
        file.put("timestep_type", "continuous");
        file.put("skip_prk_steps", false);
        file.put("variance_type", "learned_range");
        file.put("lambda_min_clipped", -5.1);
        file.put("use_karras_sigmas", true);
        file.put("use_beta_sigmas", true);
        assertThat(ScheduleConfig.of(file).trainTimesteps()).isEqualTo(1000);
    }

    @ParameterizedTest
    @CsvSource({
        "DPMSolverMultistepScheduler, bh2",
        "DPMSolverMultistepScheduler, logrho",
        "UniPCMultistepScheduler, midpoint",
        "UniPCMultistepScheduler, heun",
        "DEISMultistepScheduler, bh1"
    })
    void readsSolverTypesAsTheClassCorrectsThem(String writer, String type) {
        Map<String, @Nullable Object> file = file(writer);
        file.put("solver_type", type);
        assertThat(ScheduleConfig.of(file).trainTimesteps()).isEqualTo(1000);
    }

    /** Noise alone tells nothing about the picture: ε leaves 0/0 (Lin et al. 2024, section 3.2). */
    @ParameterizedTest
    @CsvSource({"DDIMScheduler, trailing", "DDPMScheduler, linspace", "LCMScheduler, leading"})
    void refusesEpsilonWhereTheLastLevelIsNoiseAlone(String writer, String spacing) {
        Map<String, @Nullable Object> file = file(writer);
        file.put("rescale_betas_zero_snr", true);
        file.put("timestep_spacing", spacing);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScheduleConfig.of(file))
                .withMessageContaining("prediction_type: expected v_prediction or sample")
                .withMessageContaining("rescale_betas_zero_snr is true");
        file.put("prediction_type", "v_prediction");
        assertThat(ScheduleConfig.of(file).zeroTerminalSnr()).isTrue();
    }

    private static void refuses(String key, Object found) {
        refuses("PNDMScheduler", key, found);
    }

    private static void refuses(String writer, String key, Object found) {
        Map<String, @Nullable Object> file = file(writer);
        file.put(key, found);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ScheduleConfig.of(file))
                .withMessageContaining("scheduler_config.json")
                .withMessageContaining(key)
                .withMessageContaining("expected")
                .withMessageContaining("found");
    }

    private static Map<String, @Nullable Object> file(String className) {
        Map<String, @Nullable Object> file = new HashMap<>();
        file.put("_class_name", className);
        return file;
    }
}
