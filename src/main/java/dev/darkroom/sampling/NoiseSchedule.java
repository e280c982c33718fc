package dev.darkroom.sampling;

import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;

/**
 * The noise levels of a checkpoint. Level t of 0…T − 1 makes {@code x = √ᾱ·x0 + √(1 − ᾱ)·ε} of a clean sample; σ = √((1 −
 * ᾱ)/ᾱ) is the same level for a sample that is not scaled down, {@code x/√ᾱ = x0 + σ·ε}. Immutable; share one per model.
 *
 * <p>The roundings to float and to whole timesteps below are those of diffusers 0.35 ({@code schedulers/}), which differ
 * from sampler to sampler and reach the picture.
 */
public final class NoiseSchedule {

    private static final double RHO = 7; // Karras et al. 2022, table 1

    private final ScheduleConfig config;
    private final float[] alphasCumprod; // [T]
    private final float[] sigmas; // [T], rising
    private final float[] logSigmas; // [T]

    public NoiseSchedule(ScheduleConfig config) {
        this.config = config;
        int n = config.trainTimesteps();
        float[] betas = config.betaSchedule().betas(n, config.betaStart(), config.betaEnd());
        alphasCumprod = new float[n];
        sigmas = new float[n];
        logSigmas = new float[n];
        double product = 1;
        for (int t = 0; t < n; t++) {
            product *= 1f - betas[t];
            alphasCumprod[t] = (float) product;
            sigmas[t] = (float) Math.sqrt((1 - alphasCumprod[t]) / alphasCumprod[t]);
            logSigmas[t] = (float) Math.log(sigmas[t]);
        }
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
     * @param timesteps what the network is told at each step; whole except for Euler's
     * @param sigmas σ at each step, and at last 0
     */
    record Levels(float[] timesteps, float[] sigmas) {}

    /**
     * @throws IllegalArgumentException if steps is not 1…T
     */
    Levels levels(SamplerKind sampler, SigmaSpacing spacing, int steps) {
        if (steps < 1 || steps > config.trainTimesteps()) {
            throw new IllegalArgumentException(
                    "steps must be between 1 and %d; given: %d".formatted(config.trainTimesteps(), steps));
        }
        boolean karras = spacing == SigmaSpacing.KARRAS;
        TimestepSpacing timestepSpacing = config.timestepSpacing(sampler);
        return switch (sampler) {
            case EULER, EULER_ANCESTRAL -> {
                float[] timesteps = timesteps(timestepSpacing, steps, steps, false);
                double[] levels = interpolated(timesteps);
                if (karras) { // between the ends of the default walk
                    levels = karras(levels[0], levels[steps - 1], steps);
                    for (int i = 0; i < steps; i++) {
                        timesteps[i] = (float) timestep(levels[i]);
                    }
                }
                yield new Levels(timesteps, endingAtZero(levels));
            }
            case DPMPP_2M ->
                karras
                        ? karrasOverAllLevels(steps)
                        : interpolatedLevels(timesteps(timestepSpacing, steps, steps + 1, true));
            case DDPM, PNDM, LMS, HEUN, DPMPP_2M_SDE, DPMPP_SDE, UNIPC, LCM, DDIM ->
                karras
                        ? karrasOverAllLevels(steps)
                        : interpolatedLevels(timesteps(timestepSpacing, steps, steps, true));
        };
    }

    private Levels interpolatedLevels(float[] timesteps) {
        return new Levels(timesteps, endingAtZero(interpolated(timesteps)));
    }

    private Levels karrasOverAllLevels(int steps) {
        double[] levels = karras(sigmas[sigmas.length - 1], sigmas[0], steps);
        float[] timesteps = new float[steps];
        for (int i = 0; i < steps; i++) {
            double t = timestep(levels[i]);
            // Cosine schedules end in a leap of σ between the last two levels, where rounding would tell T − 1 too
            // often.
            timesteps[i] =
                    (float) (config.betaSchedule() == BetaSchedule.SQUAREDCOS_CAP_V2 ? Math.floor(t) : Math.rint(t));
        }
        return new Levels(timesteps, endingAtZero(levels));
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

    /** Karras et al. 2022, equation (5), without its last 0. */
    private static double[] karras(double sigmaMax, double sigmaMin, int steps) {
        double max = Math.pow(sigmaMax, 1 / RHO);
        double min = Math.pow(sigmaMin, 1 / RHO);
        double[] levels = new double[steps];
        for (int i = 0; i < steps; i++) {
            levels[i] = Math.pow(max + linspace(0, 1, steps, i) * (min - max), RHO);
        }
        return levels;
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
            levels[i] = sigmas[low] + (t - low) * ((double) sigmas[low + 1] - sigmas[low]);
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

    private static float[] endingAtZero(double[] levels) {
        float[] sigmas = new float[levels.length + 1];
        for (int i = 0; i < levels.length; i++) {
            sigmas[i] = (float) levels[i];
        }
        return sigmas;
    }
}
