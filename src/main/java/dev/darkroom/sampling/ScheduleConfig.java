package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
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
 * @param setAlphaToOne DDIM and PNDM: whether the last step goes to ᾱ = 1 (true) or to the first level's ᾱ; null for each
 *     sampler's own default
 * @param clipSample DDIM, DDPM, HEUN and LCM: whether the predicted x0 is clipped; null for each sampler's own default
 * @param clipSampleRange to ± this
 * @param sigmaSpacing what {@link SigmaSpacing#DEFAULT} means for this checkpoint with the samplers that know other spacings
 *     in diffusers
 * @param zeroTerminalSnr whether β is rescaled so that the last level is pure noise (Lin et al. 2024, algorithm 1)
 * @param endAtSigmaMin whether EULER, DPM++ and UNIPC end at the first training level's σ instead of 0
 * @param eulerAtFinal DPM++ 2M: whether the last step is of first order in any case
 * @param lowerOrderFinal DPM++, DEIS and UNIPC: whether orders fall towards the end; null for each sampler's own default
 * @param largeVariance DDPM: whether the variance is β rather than the posterior's
 * @param originalSteps LCM: number of evenly spaced timesteps it was distilled on
 * @param timestepScaling LCM: factor of the timestep in its boundary condition
 */
public record ScheduleConfig(
        int trainTimesteps,
        double betaStart,
        double betaEnd,
        BetaSchedule betaSchedule,
        PredictionType predictionType,
        @Nullable TimestepSpacing timestepSpacing,
        int stepsOffset,
        @Nullable Boolean setAlphaToOne,
        @Nullable Boolean clipSample,
        double clipSampleRange,
        SigmaSpacing sigmaSpacing,
        boolean zeroTerminalSnr,
        boolean endAtSigmaMin,
        boolean eulerAtFinal,
        @Nullable Boolean lowerOrderFinal,
        boolean largeVariance,
        int originalSteps,
        double timestepScaling) {

    private static final int MAX_TRAIN_TIMESTEPS = 100_000;

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
            "LCMScheduler",
            "LMSDiscreteScheduler",
            "PNDMScheduler",
            "UniPCMultistepScheduler");

    private static final Set<String> DPM_SOLVER = Set.of("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler");
    private static final Set<String> FLOWING = Set.of(
            "DPMSolverMultistepScheduler",
            "DPMSolverSinglestepScheduler",
            "DEISMultistepScheduler",
            "UniPCMultistepScheduler");

    /**
     * An option that changes the picture.
     *
     * @param readers the classes whose constructors take it; in the files of others it is what {@code from_config} carried along
     * @param supported values that leave the picture as it is here; null or missing is fine too
     */
    private record Option(String key, Set<String> readers, List<Object> supported) {}

    private static final List<Option> OPTIONS = List.of(
            new Option("trained_betas", CLASSES, List.of()),
            new Option(
                    "thresholding",
                    Set.of(
                            "DDIMScheduler",
                            "DDPMScheduler",
                            "DEISMultistepScheduler",
                            "DPMSolverMultistepScheduler",
                            "DPMSolverSinglestepScheduler",
                            "LCMScheduler",
                            "UniPCMultistepScheduler"),
                    List.of(false)),
            new Option("use_lu_lambdas", Set.of("DPMSolverMultistepScheduler"), List.of(false)),
            new Option("use_flow_sigmas", FLOWING, List.of(false)),
            new Option("use_dynamic_shifting", FLOWING, List.of(false)),
            new Option("sigma_min", Set.of("EulerDiscreteScheduler"), List.of()),
            new Option("sigma_max", Set.of("EulerDiscreteScheduler"), List.of()),
            new Option("interpolation_type", Set.of("EulerDiscreteScheduler"), List.of("linear")),
            new Option("timestep_type", Set.of("EulerDiscreteScheduler"), List.of("discrete")),
            new Option(
                    "final_sigmas_type",
                    Set.of(
                            "DPMSolverMultistepScheduler",
                            "DPMSolverSinglestepScheduler",
                            "EulerDiscreteScheduler",
                            "UniPCMultistepScheduler"),
                    List.of("zero", "sigma_min")),
            new Option(
                    "variance_type",
                    Set.of("DDPMScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"),
                    List.of("fixed_small", "fixed_small_log", "fixed_large")),
            new Option("solver_order", FLOWING, List.of(2.0)),
            new Option("algorithm_type", DPM_SOLVER, List.of("dpmsolver++", "sde-dpmsolver++", "deis")),
            // Words of the other solvers are corrected to the class's own.
            new Option("solver_type", DPM_SOLVER, List.of("midpoint", "logrho", "bh1", "bh2")),
            new Option("solver_type", Set.of("UniPCMultistepScheduler"), List.of("bh2", "midpoint", "heun", "logrho")),
            new Option("solver_p", Set.of("UniPCMultistepScheduler"), List.of()),
            new Option("skip_prk_steps", Set.of("PNDMScheduler"), List.of(true)),
            new Option("predict_x0", Set.of("UniPCMultistepScheduler"), List.of(true)),
            new Option("disable_corrector", Set.of("UniPCMultistepScheduler"), List.of(List.of())),
            new Option("lambda_min_clipped", DPM_SOLVER, List.of(Double.NEGATIVE_INFINITY, "-Infinity", "-inf")));

    /** The classes that can walk other spacings of noise levels than that of their timesteps. */
    private static final Set<String> SPACED = Set.of(
            "DEISMultistepScheduler",
            "DPMSolverMultistepScheduler",
            "DPMSolverSinglestepScheduler",
            "EulerDiscreteScheduler",
            "HeunDiscreteScheduler",
            "KDPM2AncestralDiscreteScheduler",
            "KDPM2DiscreteScheduler",
            "LMSDiscreteScheduler",
            "UniPCMultistepScheduler");

    /** Classes that divide by α of the last training level, where their timesteps are not LEADING. */
    private static final Set<String> FROM_THE_LAST_LEVEL = Set.of("DDIMScheduler", "DDPMScheduler");

    /** @throws IllegalArgumentException naming the component that is out of bounds */
    public ScheduleConfig {
        if (trainTimesteps < 2 || trainTimesteps > MAX_TRAIN_TIMESTEPS) {
            throw unsupported("num_train_timesteps", "2 to " + MAX_TRAIN_TIMESTEPS, trainTimesteps);
        }
        if (!(betaStart > 0 && betaStart <= betaEnd && betaEnd < 1)) {
            throw unsupported("beta_start, beta_end", "0 < beta_start <= beta_end < 1", betaStart + ", " + betaEnd);
        }
        if (stepsOffset < 0 || stepsOffset >= trainTimesteps) {
            throw unsupported("steps_offset", "0 to " + (trainTimesteps - 1), stepsOffset);
        }
        if (!(clipSampleRange > 0)) {
            throw unsupported("clip_sample_range", "more than 0", clipSampleRange);
        }
        if (originalSteps < 1) {
            throw unsupported("original_inference_steps", "at least 1", originalSteps);
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
        for (Option option : OPTIONS) {
            Object found = json.get(option.key);
            Object comparable = found instanceof Number number ? (Object) number.doubleValue() : found;
            if (comparable != null && option.readers.contains(name) && !option.supported.contains(comparable)) {
                throw unsupported(option.key, option.supported.isEmpty() ? "null" : option.supported, found);
            }
        }
        TimestepSpacing spacing = json.get("timestep_spacing") == null
                ? null
                : named(
                        json,
                        "timestep_spacing",
                        TimestepSpacing::of,
                        TimestepSpacing.values(),
                        TimestepSpacing.LINSPACE);
        PredictionType prediction =
                named(json, "prediction_type", PredictionType::of, PredictionType.values(), PredictionType.EPSILON);
        boolean zeroTerminalSnr = bool(json, "rescale_betas_zero_snr", false);
        boolean fromTheLastLevel = name.equals("LCMScheduler")
                || FROM_THE_LAST_LEVEL.contains(name) && spacing != null && spacing != TimestepSpacing.LEADING;
        if (zeroTerminalSnr && prediction == PredictionType.EPSILON && fromTheLastLevel) {
            throw unsupported(
                    "prediction_type",
                    "v_prediction or sample, since rescale_betas_zero_snr is true and the noise in pure noise tells nothing",
                    prediction.id());
        }
        return new ScheduleConfig(
                integer(json, "num_train_timesteps", 1000),
                number(json, "beta_start", 1e-4),
                number(json, "beta_end", 0.02),
                named(json, "beta_schedule", BetaSchedule::of, BetaSchedule.values(), BetaSchedule.LINEAR),
                prediction,
                spacing,
                integer(json, "steps_offset", 0),
                json.get("set_alpha_to_one") == null ? null : bool(json, "set_alpha_to_one", true),
                json.get("clip_sample") == null ? null : bool(json, "clip_sample", true),
                number(json, "clip_sample_range", 1),
                sigmaSpacing(json, SPACED.contains(name)),
                zeroTerminalSnr,
                "sigma_min".equals(json.get("final_sigmas_type")),
                bool(json, "euler_at_final", false),
                json.get("lower_order_final") == null ? null : bool(json, "lower_order_final", true),
                "fixed_large".equals(json.get("variance_type")),
                integer(json, "original_inference_steps", 50),
                number(json, "timestep_scaling", 10));
    }

    /** @param read whether the file's class reads it; in the files of others the first one is taken */
    private static SigmaSpacing sigmaSpacing(Map<String, ? extends @Nullable Object> json, boolean read) {
        SigmaSpacing spacing = SigmaSpacing.DEFAULT;
        for (SigmaSpacing other : List.of(SigmaSpacing.KARRAS, SigmaSpacing.EXPONENTIAL, SigmaSpacing.BETA)) {
            String key = "use_" + other.id() + "_sigmas";
            if (bool(json, key, false)) {
                if (spacing != SigmaSpacing.DEFAULT && read) {
                    throw unsupported(key, "false, since use_" + spacing.id() + "_sigmas is true", true);
                }
                spacing = spacing == SigmaSpacing.DEFAULT ? other : spacing;
            }
        }
        return spacing;
    }

    /** The spacing of timesteps for this sampler: the file's, or the sampler's default. */
    public TimestepSpacing timestepSpacing(SamplerKind sampler) {
        if (timestepSpacing != null) {
            return timestepSpacing;
        }
        return switch (sampler) {
            case DDIM, DDPM, PNDM, LCM -> TimestepSpacing.LEADING;
            default -> TimestepSpacing.LINSPACE;
        };
    }

    /** The spacing of noise levels that {@code asked} means for this sampler. */
    SigmaSpacing sigmaSpacing(SamplerKind sampler, SigmaSpacing asked) {
        if (asked != SigmaSpacing.DEFAULT) {
            return asked;
        }
        return switch (sampler) {
            case DDIM, DDPM, PNDM, EULER_ANCESTRAL, LCM -> SigmaSpacing.DEFAULT;
            default -> sigmaSpacing;
        };
    }

    boolean setAlphaToOne(SamplerKind sampler) {
        return setAlphaToOne != null ? setAlphaToOne : sampler != SamplerKind.PNDM;
    }

    /** The bound of the predicted x0; infinite where it is not clipped. */
    float clip(SamplerKind sampler) {
        boolean otherwise = sampler == SamplerKind.DDIM || sampler == SamplerKind.DDPM;
        return (clipSample != null ? clipSample : otherwise) ? (float) clipSampleRange : Float.POSITIVE_INFINITY;
    }

    private static double number(Map<String, ? extends @Nullable Object> json, String key, double otherwise) {
        Object found = json.get(key);
        if (found == null) {
            return otherwise;
        }
        if (found instanceof Number number && Double.isFinite(number.doubleValue())) {
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
