package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.sampling.NoiseSchedule.Levels;
import java.util.zip.CRC32C;

/**
 * The way of one picture from noise to latents, one step at a time, because the network's call is shared with other
 * pictures: while not {@link #done}, evaluate the network at {@link #input} and {@link #timestep}, apply guidance, and
 * {@link #absorb} the answer. Not thread-safe.
 *
 * <p>All samplers agree with diffusers 0.35 built from the same scheduler_config.json, in the float roundings too.
 */
public abstract sealed class Sampler
        permits Ddim, Ddpm, Deis, Dpm2, DpmPlusPlus, Euler, EulerAncestral, Heun, Lcm, Lms, Pndm, UniPc {

    /** An array of the memory before the first step. */
    static final float[] NONE = {};

    final SamplerKind kind;
    final PredictionType prediction;
    final float[] timesteps; // [evaluations]
    final float[] sigmas; // [evaluations + 1]
    final float[] alphas; // [evaluations + 1]
    final SeededNoise noise;
    final float[] x; // the latents, in place
    private final int steps;
    private int i;

    Sampler(
            SamplerKind kind,
            NoiseSchedule schedule,
            Levels levels,
            float initNoiseSigma,
            SeededNoise noise,
            float[] initialNoise) {
        this.kind = kind;
        this.noise = noise;
        prediction = schedule.config().predictionType();
        timesteps = levels.timesteps();
        sigmas = levels.sigmas();
        alphas = levels.alphas();
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
     * @param noise the picture's generator, from which {@code initialNoise} was drawn; kept, samplers that add noise go on drawing
     * @param initialNoise standard normal, any shape, flattened; scaled to the first noise level here; not kept
     * @throws IllegalArgumentException if there are more steps than the checkpoint has levels
     */
    public static Sampler of(Sampling sampling, NoiseSchedule checkpoint, SeededNoise noise, float[] initialNoise) {
        SamplerKind kind = sampling.sampler();
        NoiseSchedule schedule = checkpoint.of(kind, sampling.schedule());
        Levels levels = schedule.levels(sampling);
        return switch (kind) {
            case DDIM -> new Ddim(schedule, sampling.schedule(), levels, noise, initialNoise);
            case DDPM -> new Ddpm(schedule, levels, noise, initialNoise);
            case PNDM -> new Pndm(schedule, levels, noise, initialNoise);
            case LMS -> new Lms(schedule, levels, noise, initialNoise);
            case EULER -> new Euler(schedule, levels, noise, initialNoise);
            case EULER_ANCESTRAL -> new EulerAncestral(schedule, levels, noise, initialNoise);
            case HEUN -> new Heun(schedule, levels, noise, initialNoise);
            case DPM2, DPM2_ANCESTRAL -> new Dpm2(kind, schedule, levels, noise, initialNoise);
            case DPMPP_2S, DPMPP_SDE -> new DpmPlusPlus2S(kind, schedule, levels, noise, initialNoise);
            case DPMPP_2M, DPMPP_2M_SDE -> new DpmPlusPlus2M(kind, schedule, levels, noise, initialNoise);
            case DEIS -> new Deis(schedule, levels, noise, initialNoise);
            case UNIPC -> new UniPc(schedule, levels, noise, initialNoise);
            case LCM -> new Lcm(schedule, levels, noise, initialNoise);
        };
    }

    /**
     * The sampler whose state it is, to go on as that one would have.
     *
     * @param sampling as it was begun with
     * @param checkpoint as it was begun with
     * @param length number of latents
     * @throws IllegalArgumentException saying what was expected and what was found if it is the state of another sampler, of
     *     other noise levels or of another number of latents, or does not hold what it should
     */
    public static Sampler restore(Sampling sampling, NoiseSchedule checkpoint, int length, SamplerState state) {
        Sampler sampler = of(sampling, checkpoint, new SeededNoise(0), new float[length]);
        Memory.In memory = state.memory(sampler.kind, sampler.walk(), sampler.timesteps.length, length);
        sampler.i = state.evaluations();
        sampler.remember(memory);
        memory.end();
        return sampler;
    }

    /** What it remembers now, its generator included; later steps do not change it. */
    public final SamplerState state() {
        Memory.Out memory = new Memory.Out();
        remember(memory);
        return new SamplerState(kind, walk(), i, x.length, memory.bytes());
    }

    private void remember(Memory memory) {
        memory.floats(x);
        noise.memory(memory);
        memory(memory, i);
    }

    /** Every field that {@link #step} changes, but for x and the generator; i evaluations are done. */
    void memory(Memory memory, int i) {}

    /** The checksum of the levels. */
    private int walk() {
        Memory.Out levels = new Memory.Out();
        levels.floats(timesteps);
        levels.floats(sigmas);
        CRC32C crc = new CRC32C();
        crc.update(levels.bytes());
        return (int) crc.getValue();
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

    /** λ = log(α/σ), half the log of the signal-to-noise ratio at level i. */
    final float lambda(int i) {
        return (float) Math.log(alphas[i]) - (float) Math.log(sigmas[i] * alphas[i]);
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
