package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.sampling.NoiseSchedule.Levels;

/**
 * The way of one picture from noise to latents, one step at a time, because the network's call is shared with other
 * pictures: while not {@link #done}, evaluate the network at {@link #input} and {@link #timestep}, apply guidance, and
 * {@link #absorb} the answer. Not thread-safe.
 *
 * <p>All samplers agree with diffusers 0.35 built from the same scheduler_config.json, in the float roundings too.
 */
public abstract sealed class Sampler
        permits Ddim, Ddpm, Deis, Dpm2, DpmPlusPlus, Euler, EulerAncestral, Heun, Lcm, Lms, Pndm, UniPc {

    final PredictionType prediction;
    final float[] timesteps; // [evaluations]
    final float[] sigmas; // [evaluations + 1]
    final float[] x; // the latents, in place
    private final int steps;
    private int i;

    Sampler(NoiseSchedule schedule, Levels levels, float initNoiseSigma, float[] initialNoise) {
        prediction = schedule.config().predictionType();
        timesteps = levels.timesteps();
        sigmas = levels.sigmas();
        steps = levels.steps();
        x = new float[initialNoise.length];
        for (int k = 0; k < x.length; k++) {
            x[k] = initialNoise[k] * initNoiseSigma;
        }
    }

    /**
     * A sampler before its first step.
     *
     * @param checkpoint the noise levels of the checkpoint
     * @param noise the picture's generator, from which {@code initialNoise} was drawn; samplers that add noise go on drawing
     * @param initialNoise standard normal, any shape, flattened; scaled to the first noise level here; not kept
     * @throws IllegalArgumentException if there are more steps than the checkpoint has levels
     */
    public static Sampler of(Sampling sampling, NoiseSchedule checkpoint, SeededNoise noise, float[] initialNoise) {
        SamplerKind kind = sampling.sampler();
        NoiseSchedule schedule = checkpoint.of(kind, sampling.schedule());
        Levels levels = schedule.levels(sampling);
        return switch (kind) {
            case DDIM -> new Ddim(schedule, sampling.schedule(), levels, initialNoise);
            case DDPM -> new Ddpm(schedule, levels, noise, initialNoise);
            case PNDM -> new Pndm(schedule, levels, initialNoise);
            case LMS -> new Lms(schedule, levels, initialNoise);
            case EULER -> new Euler(schedule, levels, initialNoise);
            case EULER_ANCESTRAL -> new EulerAncestral(schedule, levels, noise, initialNoise);
            case HEUN -> new Heun(schedule, levels, initialNoise);
            case DPM2 -> new Dpm2(schedule, kind, levels, null, initialNoise);
            case DPM2_ANCESTRAL -> new Dpm2(schedule, kind, levels, noise, initialNoise);
            case DPMPP_2S -> new DpmPlusPlus2S(schedule, levels, null, initialNoise);
            case DPMPP_2M -> new DpmPlusPlus2M(schedule, levels, null, initialNoise);
            case DPMPP_2M_SDE -> new DpmPlusPlus2M(schedule, levels, noise, initialNoise);
            case DPMPP_SDE -> new DpmPlusPlus2S(schedule, levels, noise, initialNoise);
            case DEIS -> new Deis(schedule, levels, initialNoise);
            case UNIPC -> new UniPc(schedule, levels, initialNoise);
            case LCM -> new Lcm(schedule, levels, noise, initialNoise);
        };
    }

    /**
     * The timestep the network is to be told now, 0…T − 1; may be fractional.
     *
     * @throws IllegalStateException if done
     */
    public final float timestep() {
        checkNotDone();
        return timesteps[i];
    }

    /**
     * The latents scaled as the network expects them, about unit variance; a copy.
     *
     * @throws IllegalStateException if done
     */
    public final float[] input() {
        checkNotDone();
        return scaledInput(i);
    }

    /**
     * The clean latents that the network's answer to {@link #input} points at; a copy.
     *
     * @param modelOutput as in {@link #absorb}, which is not called yet
     * @throws IllegalStateException if done
     */
    public final float[] denoised(float[] modelOutput) {
        float[] input = input();
        double sigma = sigmas[i];
        float alpha = (float) (1 / Math.sqrt(sigma * sigma + 1));
        float s = Double.isInfinite(sigma) ? 1 : (float) (sigma / Math.sqrt(sigma * sigma + 1));
        float[] x0 = new float[input.length];
        for (int k = 0; k < x0.length; k++) {
            x0[k] = prediction.denoised(input[k], modelOutput[k], alpha, s);
        }
        return x0;
    }

    /**
     * Takes one step.
     *
     * @param modelOutput the network's answer to {@link #input}, after guidance, same length
     * @throws IllegalStateException if done
     * @throws IllegalArgumentException if the length differs
     */
    public final void absorb(float[] modelOutput) {
        checkNotDone();
        if (modelOutput.length != x.length) {
            throw new IllegalArgumentException(
                    "model output: expected %d values, found %d".formatted(x.length, modelOutput.length));
        }
        step(i, modelOutput);
        i++;
    }

    /** The latents in the sampler's own scale, as diffusers' callbacks see them; a copy. When done, the VAE's input. */
    public final float[] latents() {
        return x.clone();
    }

    public final boolean done() {
        return i == timesteps.length;
    }

    /** Steps done, of {@link #steps}; a step may take two evaluations of the network. */
    public final int stepsDone() {
        return (int) ((long) i * steps / timesteps.length);
    }

    public final int steps() {
        return steps;
    }

    /** The network's input at step i; a copy. */
    float[] scaledInput(int i) {
        return x.clone();
    }

    /** Moves x from noise level i to i + 1. */
    abstract void step(int i, float[] output);

    private void checkNotDone() {
        if (done()) {
            throw new IllegalStateException("all %d steps are done".formatted(steps));
        }
    }

    /** Karras et al. 2022 in diffusers' reading: x is not scaled down, so the noise is scaled up, by where the walk starts. */
    static float sigmaSpaceInit(NoiseSchedule schedule, SamplerKind kind, Levels levels) {
        float max = levels.sigmas()[0];
        return switch (schedule.config().timestepSpacing(kind)) {
            case LINSPACE, TRAILING -> max;
            case LEADING -> (float) Math.sqrt(max * max + 1);
        };
    }

    static float clamp(float value, float bound) {
        return Math.max(-bound, Math.min(bound, value));
    }

    static float[] scaled(float[] x, float sigma) {
        float norm = (float) Math.sqrt(sigma * sigma + 1);
        float[] scaled = new float[x.length];
        for (int k = 0; k < x.length; k++) {
            scaled[k] = x[k] / norm;
        }
        return scaled;
    }
}
