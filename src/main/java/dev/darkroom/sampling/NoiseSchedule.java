package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.List;
import org.apache.commons.statistics.distribution.BetaDistribution;

/**
 * The noise levels of a checkpoint. Level t of 0…T − 1 makes {@code x = √ᾱ·x0 + √(1 − ᾱ)·ε} of a clean sample; σ = √((1 −
 * ᾱ)/ᾱ) is the same level for a sample that is not scaled down, {@code x/√ᾱ = x0 + σ·ε}. Immutable; share one per model.
 *
 * <p>The roundings to float and to whole timesteps below are those of diffusers 0.35 ({@code schedulers/}), which differ
 * from sampler to sampler and reach the picture.
 */
public final class NoiseSchedule {

    private static final double RHO = 7; // Karras et al. 2022, table 1

    /** ᾱ of the last level where it should be 0 but σ must be finite: the smallest half-precision number. */
    private static final float NEARLY_ZERO = 0x1p-24f;

    private static final BetaDistribution BETA = BetaDistribution.of(0.6, 0.6);

    private final ScheduleConfig config;
    private final float[] alphasCumprod; // [T]
    private final float[] sigmas; // [T], rising
    private final float[] logSigmas; // [T]

    public NoiseSchedule(ScheduleConfig config) {
        this(config, config.betaSchedule().betas(config.trainTimesteps(), config.betaStart(), config.betaEnd()), false);
    }

    private NoiseSchedule(ScheduleConfig config, float[] betas, boolean nearlyZero) {
        this.config = config;
        int n = config.trainTimesteps();
        alphasCumprod = new float[n];
        sigmas = new float[n];
        logSigmas = new float[n];
        double product = 1;
        for (int t = 0; t < n; t++) {
            product *= 1f - betas[t];
            alphasCumprod[t] = nearlyZero && t == n - 1 ? NEARLY_ZERO : (float) product;
            sigmas[t] = (float) Math.sqrt((1 - alphasCumprod[t]) / alphasCumprod[t]);
            logSigmas[t] = (float) Math.log(sigmas[t]);
        }
    }

    /**
     * This schedule as the sampler reads it: with zero terminal SNR if the checkpoint says so and the sampler knows it. The
     * last ᾱ is 0 only where nobody divides by it; where diffusers does, its pictures are NaN.
     */
    NoiseSchedule of(SamplerKind sampler, SigmaSpacing spacing) {
        if (!config.zeroTerminalSnr()) {
            return this;
        }
        boolean divides = config.predictionType() == PredictionType.EPSILON || spacing != SigmaSpacing.DEFAULT;
        return switch (sampler) {
            case DDIM, DDPM, LCM -> new NoiseSchedule(config, zeroTerminalSnr(), divides);
            case EULER, EULER_ANCESTRAL, DPMPP_2M, DPMPP_2M_SDE, UNIPC ->
                new NoiseSchedule(config, zeroTerminalSnr(), true);
            case PNDM, LMS, HEUN, DPM2, DPM2_ANCESTRAL, DPMPP_2S, DPMPP_SDE, DEIS -> this;
        };
    }

    /** Lin et al. 2024, algorithm 1. */
    private float[] zeroTerminalSnr() {
        int n = alphasCumprod.length;
        float first = (float) Math.sqrt(alphasCumprod[0]);
        float last = (float) Math.sqrt(alphasCumprod[n - 1]);
        float[] betas = new float[n];
        float before = 1;
        for (int t = 0; t < n; t++) {
            float root = ((float) Math.sqrt(alphasCumprod[t]) - last) * (first / (first - last));
            float bar = root * root;
            betas[t] = 1 - (t == 0 ? bar : bar / before);
            before = bar;
        }
        return betas;
    }

    public ScheduleConfig config() {
        return config;
    }

    /** ᾱ of training timestep t (Ho et al. 2020): the share of the clean sample in the variance of the noisy one. */
    public float alphaCumprod(int t) {
        return alphasCumprod[t];
    }

    /** σ of training timestep t, the noise-to-signal ratio √((1 − ᾱ)/ᾱ). */
    public float sigma(int t) {
        return sigmas[t];
    }

    /**
     * A walk down the noise levels.
     *
     * @param steps how many steps a client sees
     * @param timesteps what the network is told at each evaluation; whole except where levels lie between training's
     * @param sigmas σ at each evaluation, and at last where the walk ends
     * @param alphas α of the same levels, where x = α·(x0 + σ·ε) has unit variance: 1/√(σ² + 1)
     */
    record Levels(int steps, float[] timesteps, float[] sigmas, float[] alphas) {

        Levels(int steps, float[] timesteps, float[] sigmas) {
            this(steps, timesteps, sigmas, new float[sigmas.length]);
            for (int i = 0; i < sigmas.length; i++) {
                alphas[i] = 1 / (float) Math.sqrt(sigmas[i] * sigmas[i] + 1);
            }
        }
    }

    /**
     * @throws IllegalArgumentException if there are more than T steps (LCM: more than it was distilled on)
     */
    Levels levels(Sampling sampling) {
        SamplerKind sampler = sampling.sampler();
        int most = sampler == SamplerKind.LCM
                ? Math.min(config.originalSteps(), config.trainTimesteps())
                : config.trainTimesteps();
        int n = sampling.steps();
        if (n < 1 || n > most) {
            throw new IllegalArgumentException("steps must be between 1 and %d%s; given: %d"
                    .formatted(most, sampler == SamplerKind.LCM ? " with sampler lcm" : "", n));
        }
        if (!sampling.sigmas().isEmpty()) {
            return given(sampler, sampling.sigmas());
        }
        boolean listed = !sampling.timesteps().isEmpty();
        SigmaSpacing spacing = listed ? SigmaSpacing.DEFAULT : config.sigmaSpacing(sampler, sampling.schedule());
        Levels levels =
                switch (sampler) {
                    case EULER, EULER_ANCESTRAL, HEUN, DPM2, DPM2_ANCESTRAL, LMS -> {
                        float[] timesteps = timesteps(sampling, n, false);
                        double[] sigmas = interpolated(timesteps);
                        yield spacing == SigmaSpacing.DEFAULT
                                ? new Levels(n, timesteps, ending(sampler, sigmas))
                                : spaced(sampler, spacing, sigmas[0], sigmas[n - 1], n);
                    }
                    case DDIM, DPMPP_2S, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, DEIS, UNIPC -> {
                        int points = sampler == SamplerKind.DDIM ? n : n + 1;
                        float[] timesteps = timesteps(sampling, points, true);
                        yield spacing == SigmaSpacing.DEFAULT
                                ? new Levels(n, timesteps, ending(sampler, interpolated(timesteps)))
                                : spaced(sampler, spacing, sigmas[sigmas.length - 1], sigmas[0], n);
                    }
                    case DDPM -> {
                        float[] timesteps = timesteps(sampling, n, true);
                        yield new Levels(n, timesteps, ending(sampler, interpolated(timesteps)));
                    }
                    case PNDM -> {
                        float[] timesteps = secondTwice(timesteps(sampling, n, true));
                        yield new Levels(n, timesteps, ending(sampler, interpolated(timesteps)));
                    }
                    case LCM -> {
                        float[] timesteps = listed ? timesteps(sampling, n, true) : distilled(n);
                        yield new Levels(n, timesteps, ending(sampler, interpolated(timesteps)));
                    }
                };
        return switch (sampler) {
            case HEUN -> doubled(levels);
            case DPM2, DPM2_ANCESTRAL -> withMidpoints(levels, sampler == SamplerKind.DPM2_ANCESTRAL);
            default -> levels;
        };
    }

    private Levels given(SamplerKind sampler, List<Double> sigmas) {
        double[] levels = sigmas.stream().mapToDouble(Double::doubleValue).toArray();
        float[] rounded = floats(levels, 0);
        float[] timesteps = new float[levels.length];
        for (int i = 0; i < levels.length; i++) {
            timesteps[i] = told(sampler, SigmaSpacing.DEFAULT, timestep(rounded[i]));
        }
        Levels walk = new Levels(levels.length, timesteps, rounded);
        return sampler == SamplerKind.HEUN ? doubled(walk) : walk;
    }

    private Levels spaced(SamplerKind sampler, SigmaSpacing spacing, double max, double min, int n) {
        double[] levels = new double[n];
        float[] timesteps = new float[n];
        for (int i = 0; i < n; i++) {
            double u = linspace(0, 1, n, i);
            levels[i] = switch (spacing) {
                case KARRAS ->
                    Math.pow(Math.pow(max, 1 / RHO) + u * (Math.pow(min, 1 / RHO) - Math.pow(max, 1 / RHO)), RHO);
                case EXPONENTIAL -> Math.exp(linspace(Math.log(max), Math.log(min), n, i));
                case BETA -> min + BETA.inverseCumulativeProbability(1 - u) * (max - min);
                case DEFAULT -> throw new IllegalArgumentException("DEFAULT has no formula");
            };
            timesteps[i] = told(sampler, spacing, timestep(levels[i]));
        }
        // Over other spacings the reference's DEIS ends where it is.
        float[] ending = sampler == SamplerKind.DEIS ? floats(levels, (float) levels[n - 1]) : ending(sampler, levels);
        return new Levels(n, timesteps, ending);
    }

    /** The timestep the network is told where a level lies between two of training. */
    private float told(SamplerKind sampler, SigmaSpacing spacing, double t) {
        return switch (sampler) {
            case EULER, EULER_ANCESTRAL, HEUN, LMS -> (float) t;
            case DPM2, DPM2_ANCESTRAL -> (float) (spacing == SigmaSpacing.KARRAS ? Math.rint(t) : t);
            case DPMPP_2S, DPMPP_SDE, DEIS, UNIPC ->
                (float) (spacing == SigmaSpacing.KARRAS ? Math.rint(t) : Math.floor(t));
            // Cosine schedules end in a leap of σ between the last two levels, where rounding would tell T − 1 too
            // often.
            default ->
                (float)
                        (spacing == SigmaSpacing.KARRAS && config.betaSchedule() != BetaSchedule.SQUAREDCOS_CAP_V2
                                ? Math.rint(t)
                                : Math.floor(t));
        };
    }

    /** Heun's method evaluates every level but the first twice, at the end of one step and the beginning of the next. */
    private static Levels doubled(Levels once) {
        int n = once.timesteps().length;
        float[] timesteps = new float[2 * n - 1];
        float[] sigmas = new float[2 * n];
        for (int i = 0; i < timesteps.length; i++) {
            timesteps[i] = once.timesteps()[(i + 1) / 2];
            sigmas[i] = once.sigmas()[(i + 1) / 2];
        }
        sigmas[2 * n - 1] = once.sigmas()[n];
        return new Levels(once.steps(), timesteps, sigmas);
    }

    /**
     * DPM2 evaluates the network in the middle of every step but the last too, in log σ: in the middle of the way down, where
     * an ancestral one goes further down than to the next level.
     */
    private Levels withMidpoints(Levels once, boolean ancestral) {
        int n = once.timesteps().length;
        float[] timesteps = new float[2 * n - 1];
        float[] sigmas = new float[2 * n];
        for (int j = 0; j < n; j++) {
            float from = once.sigmas()[j];
            timesteps[2 * j] = once.timesteps()[j];
            sigmas[2 * j] = from;
            if (j < n - 1) {
                float next = once.sigmas()[j + 1];
                float end = (float) Math.log(ancestral ? EulerAncestral.down(from, next) : from);
                float begin = (float) Math.log(ancestral ? from : next);
                sigmas[2 * j + 1] = (float) Math.exp(end - (end - begin) * 0.5f);
                timesteps[2 * j + 1] = (float) timestep(sigmas[2 * j + 1]);
            }
        }
        sigmas[2 * n - 1] = once.sigmas()[n];
        return new Levels(once.steps(), timesteps, sigmas);
    }

    /** PNDM evaluates its second timestep twice, to begin with a step of second order. */
    private static float[] secondTwice(float[] timesteps) {
        if (timesteps.length < 2) {
            return timesteps;
        }
        float[] all = new float[timesteps.length + 1];
        for (int i = 0; i < all.length; i++) {
            all[i] = timesteps[i < 2 ? i : i - 1];
        }
        return all;
    }

    /** Luo et al. 2023, section 4.3: some of the evenly spaced timesteps that the model was distilled on. */
    private float[] distilled(int n) {
        int all = config.originalSteps();
        int k = config.trainTimesteps() / all;
        float[] timesteps = new float[n];
        for (int i = 0; i < n; i++) {
            int fromTop = (int) Math.floor(i * ((double) all / n));
            timesteps[i] = (all - fromTop) * k - 1;
        }
        return timesteps;
    }

    private float[] timesteps(Sampling sampling, int points, boolean whole) {
        if (!sampling.timesteps().isEmpty()) {
            float[] timesteps = new float[sampling.steps()];
            for (int i = 0; i < timesteps.length; i++) {
                timesteps[i] = sampling.timesteps().get(i);
            }
            return timesteps;
        }
        // The reference's class has no other spacing.
        boolean linspaceOnly =
                sampling.sampler() == SamplerKind.DPMPP_SDE || sampling.sampler() == SamplerKind.DPMPP_2S;
        TimestepSpacing spacing = linspaceOnly ? TimestepSpacing.LINSPACE : config.timestepSpacing(sampling.sampler());
        return timesteps(spacing, sampling.steps(), points, whole);
    }

    /** The first {@code steps} of {@code points} timesteps that span the schedule, falling. */
    private float[] timesteps(TimestepSpacing spacing, int steps, int points, boolean whole) {
        int n = config.trainTimesteps();
        double stride = n + -(n / (double) steps) - n; // the rounding of numpy's arange
        float[] timesteps = new float[steps];
        for (int i = 0; i < steps; i++) {
            int fromEnd = points - 1 - i;
            double t =
                    switch (spacing) {
                        case LEADING -> fromEnd * (n / points) + config.stepsOffset();
                        case LINSPACE -> linspace(0, n - 1, points, fromEnd);
                        case TRAILING -> Math.rint(n + i * stride) - 1;
                    };
            timesteps[i] = (float) (whole ? Math.rint(t) : t);
        }
        return timesteps;
    }

    /** Value i of n from start to end, as numpy rounds it. */
    private static double linspace(double start, double end, int n, int i) {
        return i == n - 1 && n > 1 ? end : start + i * ((end - start) / Math.max(1, n - 1));
    }

    /** σ between the training timesteps, linear in t. */
    private double[] interpolated(float[] timesteps) {
        double[] levels = new double[timesteps.length];
        for (int i = 0; i < levels.length; i++) {
            double t = Math.min(timesteps[i], sigmas.length - 1);
            int low = Math.min((int) t, sigmas.length - 2);
            // σ of the last level may be infinite.
            levels[i] = t == low ? sigmas[low] : sigmas[low] + (t - low) * ((double) sigmas[low + 1] - sigmas[low]);
        }
        return levels;
    }

    /** The fractional timestep of a σ, linear in log σ; clamped to 0…T − 1. */
    private double timestep(double sigma) {
        double logSigma = Math.log(Math.max(sigma, 1e-10));
        int low = 0;
        while (low < logSigmas.length - 2 && logSigmas[low + 1] <= logSigma) {
            low++;
        }
        double w = (logSigmas[low] - logSigma) / (logSigmas[low] - logSigmas[low + 1]);
        w = Math.max(0, Math.min(1, w));
        return (1 - w) * low + w * (low + 1);
    }

    private float[] ending(SamplerKind sampler, double[] levels) {
        boolean atSigmaMin =
                switch (sampler) {
                    case EULER, DPMPP_2S, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, UNIPC -> config.endAtSigmaMin();
                    case DEIS -> true; // the reference's class has no other end
                    default -> false;
                };
        return floats(levels, atSigmaMin ? sigmas[0] : 0);
    }

    private static float[] floats(double[] levels, float last) {
        float[] sigmas = new float[levels.length + 1];
        for (int i = 0; i < levels.length; i++) {
            sigmas[i] = (float) levels[i];
        }
        sigmas[levels.length] = last;
        return sigmas;
    }
}
