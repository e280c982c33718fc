package dev.darkroom.sampling;

import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint's scheduler_config.json says about its noise. A key missing there means what the constructor of the
 * sampler's class in diffusers 0.35 says, not what the class that wrote the file says: {@code X.from_config(file)} drops
 * the writer's defaults. So a Stable Diffusion 1.5 file, silent on spacing, is LEADING for DDIM and LINSPACE for the others.
 *
 * @param trainTimesteps T, number of noise levels the network was trained on
 * @param betaStart β of the first level
 * @param betaEnd β of the last level; SQUAREDCOS_CAP_V2 ignores both
 * @param timestepSpacing which timesteps are visited; null for each sampler's own default
 * @param stepsOffset added to LEADING timesteps
 * @param setAlphaToOne DDIM only: whether the last step goes to ᾱ = 1 (true) or to the first level's ᾱ
 * @param clipSample DDIM only: whether the predicted x0 is clipped to −1…1
 * @param sigmaSpacing what {@link SigmaSpacing#DEFAULT} means for this checkpoint with the samplers that know Karras
 *     levels in diffusers (EULER and DPMPP_2M)
 */
public record ScheduleConfig(
        int trainTimesteps,
        double betaStart,
        double betaEnd,
        BetaSchedule betaSchedule,
        PredictionType predictionType,
        @Nullable TimestepSpacing timestepSpacing,
        int stepsOffset,
        boolean setAlphaToOne,
        boolean clipSample,
        SigmaSpacing sigmaSpacing) {

    /** Writers of files whose noise is of the kind described here; flow matching, EDM and consistency models are not. */
    private static final Set<String> CLASSES = Set.of(
            "DDIMScheduler",
            "DDPMScheduler",
            "DEISMultistepScheduler",
            "DPMSolverMultistepScheduler",
            "DPMSolverSinglestepScheduler",
            "EulerAncestralDiscreteScheduler",
            "EulerDiscreteScheduler",
            "HeunDiscreteScheduler",
            "KDPM2AncestralDiscreteScheduler",
            "KDPM2DiscreteScheduler",
            "LMSDiscreteScheduler",
            "PNDMScheduler",
            "UniPCMultistepScheduler");

    /** Options that change the picture, and the values that leave it as it is here. Null or missing is fine too. */
    private static final Map<String, List<Object>> SUPPORTED = Map.ofEntries(
            Map.entry("trained_betas", List.of()),
            Map.entry("thresholding", List.of(false)),
            Map.entry("rescale_betas_zero_snr", List.of(false)),
            Map.entry("use_exponential_sigmas", List.of(false)),
            Map.entry("use_beta_sigmas", List.of(false)),
            Map.entry("use_lu_lambdas", List.of(false)),
            Map.entry("use_flow_sigmas", List.of(false)),
            Map.entry("use_dynamic_shifting", List.of(false)),
            Map.entry("sigma_min", List.of()),
            Map.entry("sigma_max", List.of()),
            Map.entry("interpolation_type", List.of("linear")),
            Map.entry("timestep_type", List.of("discrete")),
            Map.entry("final_sigmas_type", List.of("zero")),
            Map.entry("clip_sample_range", List.of(1.0)),
            Map.entry("variance_type", List.of("fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log")),
            Map.entry("solver_order", List.of(2.0)),
            Map.entry("algorithm_type", List.of("dpmsolver++", "deis")),
            Map.entry("solver_type", List.of("midpoint", "logrho", "bh1", "bh2")),
            Map.entry("lambda_min_clipped", List.of(Double.NEGATIVE_INFINITY, "-Infinity", "-inf")));

    /** @throws IllegalArgumentException naming the component that is out of bounds */
    public ScheduleConfig {
        if (trainTimesteps < 2) {
            throw unsupported("num_train_timesteps", "at least 2", trainTimesteps);
        }
        if (!(betaStart > 0 && betaStart <= betaEnd && betaEnd < 1)) {
            throw unsupported("beta_start, beta_end", "0 < beta_start <= beta_end < 1", betaStart + ", " + betaEnd);
        }
        if (stepsOffset < 0 || stepsOffset >= trainTimesteps) {
            throw unsupported("steps_offset", "0 to " + (trainTimesteps - 1), stepsOffset);
        }
    }

    /**
     * Reads a parsed scheduler_config.json.
     *
     * @param json keys to Boolean, Number, String, List or null
     * @throws IllegalArgumentException naming key, expected and found for a value that is unknown, of the wrong type, or
     *     would give another picture than the samplers here draw
     */
    public static ScheduleConfig of(Map<String, ? extends @Nullable Object> json) {
        Object writer = json.get("_class_name");
        if (!(writer instanceof String name && CLASSES.contains(name))) {
            throw unsupported("_class_name", CLASSES.stream().sorted().toList(), writer);
        }
        SUPPORTED.forEach((key, supported) -> {
            Object found = json.get(key);
            Object comparable = found instanceof Number number ? (Object) number.doubleValue() : found;
            if (comparable != null && !supported.contains(comparable)) {
                throw unsupported(key, supported.isEmpty() ? "null" : supported, found);
            }
        });
        TimestepSpacing spacing = json.get("timestep_spacing") == null
                ? null
                : named(
                        json,
                        "timestep_spacing",
                        TimestepSpacing::of,
                        TimestepSpacing.values(),
                        TimestepSpacing.LINSPACE);
        return new ScheduleConfig(
                integer(json, "num_train_timesteps", 1000),
                number(json, "beta_start", 1e-4),
                number(json, "beta_end", 0.02),
                named(json, "beta_schedule", BetaSchedule::of, BetaSchedule.values(), BetaSchedule.LINEAR),
                named(json, "prediction_type", PredictionType::of, PredictionType.values(), PredictionType.EPSILON),
                spacing,
                integer(json, "steps_offset", 0),
                bool(json, "set_alpha_to_one", true),
                bool(json, "clip_sample", true),
                bool(json, "use_karras_sigmas", false) ? SigmaSpacing.KARRAS : SigmaSpacing.DEFAULT);
    }

    /** The spacing of timesteps for this sampler: the file's, or the sampler's default. */
    public TimestepSpacing timestepSpacing(SamplerKind sampler) {
        if (timestepSpacing != null) {
            return timestepSpacing;
        }
        return switch (sampler) {
            case DDIM, DDPM, PNDM, LCM -> TimestepSpacing.LEADING;
            case EULER, EULER_ANCESTRAL, DPMPP_2M, LMS, HEUN, DPMPP_2M_SDE, DPMPP_SDE, UNIPC ->
                TimestepSpacing.LINSPACE;
        };
    }

    /** The spacing of noise levels that {@code asked} means for this sampler. */
    SigmaSpacing sigmaSpacing(SamplerKind sampler, SigmaSpacing asked) {
        if (asked == SigmaSpacing.KARRAS) {
            return asked;
        }
        return switch (sampler) {
            case DDIM, EULER_ANCESTRAL, DDPM, PNDM, LCM -> SigmaSpacing.DEFAULT;
            case EULER, DPMPP_2M, LMS, HEUN, DPMPP_2M_SDE, DPMPP_SDE, UNIPC -> sigmaSpacing;
        };
    }

    private static double number(Map<String, ? extends @Nullable Object> json, String key, double otherwise) {
        Object found = json.get(key);
        if (found == null) {
            return otherwise;
        }
        if (found instanceof Number number) {
            return number.doubleValue();
        }
        throw unsupported(key, "a number", found);
    }

    private static int integer(Map<String, ? extends @Nullable Object> json, String key, int otherwise) {
        double number = number(json, key, otherwise);
        if (number != (int) number) {
            throw unsupported(key, "an integer", number);
        }
        return (int) number;
    }

    private static boolean bool(Map<String, ? extends @Nullable Object> json, String key, boolean otherwise) {
        Object found = json.get(key);
        if (found == null) {
            return otherwise;
        }
        if (found instanceof Boolean bool) {
            return bool;
        }
        throw unsupported(key, "true or false", found);
    }

    private static <E extends Enum<E>> E named(
            Map<String, ? extends @Nullable Object> json,
            String key,
            Function<String, Optional<E>> lookup,
            E[] known,
            E otherwise) {
        Object found = json.get(key);
        if (found == null) {
            return otherwise;
        }
        return Optional.of(found)
                .filter(String.class::isInstance)
                .map(String.class::cast)
                .flatMap(lookup)
                .orElseThrow(() -> unsupported(key, Arrays.toString(known).toLowerCase(Locale.ROOT), found));
    }

    private static IllegalArgumentException unsupported(String key, Object expected, @Nullable Object found) {
        return new IllegalArgumentException(
                "scheduler_config.json: %s: expected %s, found %s".formatted(key, expected, found));
    }
}
