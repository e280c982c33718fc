package dev.darkroom.pipeline;

import dev.darkroom.model.Networks;
import dev.darkroom.model.UNet2DCondition;
import dev.darkroom.picture.Picture;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.sampling.SeededNoise;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Prompt to picture with one model (Rombach et al. 2022): {@link #begin} encodes the prompt and draws the noise, {@link
 * #step} moves any number of pictures by one denoising step, {@link #finish} decodes the latents. One
 * thread at a time. Reference: diffusers {@code pipelines/}, {@code stable_diffusion/pipeline_stable_diffusion.py}, {@code
 * stable_diffusion_xl/pipeline_stable_diffusion_xl.py} and {@code latent_consistency_models/}.
 */
public final class DiffusionPipeline implements AutoCloseable {
    private final ModelInfo info;
    private final Networks networks;
    private final PromptEncoder prompts;
    private final NoiseSchedule schedule;

    /** Takes over encoder and networks, which are loaded. */
    DiffusionPipeline(ModelInfo info, Networks networks, PromptEncoder prompts, NoiseSchedule schedule) {
        this.info = info;
        this.networks = networks;
        this.prompts = prompts;
        this.schedule = schedule;
    }

    public ModelInfo info() {
        return info;
    }

    /**
     * Encodes prompt and negative prompt and draws the noise of one picture.
     *
     * @param index which picture of the request; its seed is {@code spec.seed() + index}
     */
    public Generation begin(ImageSpec spec, int index) {
        int factor = networks.vae().factor();
        int length = networks.vae().latentChannels() * (spec.height() / factor) * (spec.width() / factor);
        SeededNoise noise = new SeededNoise(spec.seed() + index);
        float[] initialNoise = noise.normal(length);
        UNet2DCondition unet = networks.unet();
        boolean guided = spec.guidanceScale() > 1 && !unet.knowsGuidance();
        PromptEncoder.Encoded text =
                prompts.encode(spec.prompt(), guided ? spec.negativePrompt() : null, spec.clipSkip());
        return new Generation(
                spec,
                index,
                Conditioning.of(unet, text.prompt(), spec, false),
                text.negative() == null ? null : Conditioning.of(unet, text.negative(), spec, true),
                Sampler.of(spec.sampling(), schedule, noise, initialNoise));
    }

    /**
     * Moves every picture by one evaluation of the U-Net: all rows of all pictures whose prompts have the same number of chunks
     * share one call, each with its own timestep; then every picture's own sampler takes its own answer.
     *
     * @param generations of one size, none of them done; samplers, prompts, timesteps and guidance scales may differ
     */
    public void step(List<Generation> generations) {
        ImageSpec first = generations.get(0).spec();
        Map<Integer, List<Generation>> calls = new LinkedHashMap<>();
        for (Generation generation : generations) {
            if (generation.spec().width() != first.width() || generation.spec().height() != first.height()) {
                throw new IllegalArgumentException("pictures of one call must have one size, found " + first.width()
                        + "×" + first.height() + " and " + generation.spec().width() + "×"
                        + generation.spec().height());
            }
            int context = generation.conditioning(0).context().length;
            calls.computeIfAbsent(context, length -> new ArrayList<>()).add(generation);
        }
        // All answers first: should a call fail, no picture has moved.
        Map<Integer, float[]> outputs = new HashMap<>();
        calls.forEach((context, call) -> outputs.put(context, predict(call, context)));
        calls.forEach((context, call) -> absorb(call, Objects.requireNonNull(outputs.get(context))));
    }

    /** @return the answers to all rows of the pictures, one after the other */
    private float[] predict(List<Generation> generations, int context) {
        int factor = networks.vae().factor();
        ImageSpec first = generations.get(0).spec();
        int latent = generations.get(0).sampler().latents().length;
        int added = networks.unet().addedWidth();
        float[] sample = new float[generations.size() * latent];
        float[] timesteps = new float[generations.size()];
        long[] rows = new long[generations.stream().mapToInt(Generation::rows).sum()];
        float[] contexts = new float[rows.length * context];
        float[] addeds = new float[rows.length * added];
        int row = 0;
        for (int i = 0; i < generations.size(); i++) {
            Generation generation = generations.get(i);
            timesteps[i] = generation.sampler().timestep();
            System.arraycopy(generation.sampler().input(), 0, sample, i * latent, latent);
            for (int k = 0; k < generation.rows(); k++, row++) {
                Conditioning conditioning = generation.conditioning(k);
                rows[row] = i;
                System.arraycopy(conditioning.context(), 0, contexts, row * context, context);
                System.arraycopy(conditioning.added(), 0, addeds, row * added, added);
            }
        }
        int height = first.height() / factor;
        int width = first.width() / factor;
        return networks.predict(sample, timesteps, rows, contexts, addeds, height, width);
    }

    private static void absorb(List<Generation> generations, float[] output) {
        int latent = generations.get(0).sampler().latents().length;
        int at = 0;
        for (Generation generation : generations) {
            generation.sampler().absorb(guide(generation, output, at, latent));
            at += generation.rows() * latent;
        }
    }

    /**
     * Classifier-free guidance, Ho and Salimans 2022, equation (6), in the form {@code u + s (c − u)}; then rescaled by Lin et
     * al. 2024, equations (15) and (16).
     */
    private static float[] guide(Generation generation, float[] output, int at, int length) {
        float[] guided = new float[length];
        if (!generation.guided()) {
            System.arraycopy(output, at, guided, 0, length);
            return guided;
        }
        float s = (float) generation.spec().guidanceScale();
        for (int k = 0; k < length; k++) {
            float u = output[at + k];
            guided[k] = u + s * (output[at + length + k] - u);
        }
        double phi = generation.spec().guidanceRescale();
        if (phi > 0) {
            double ratio = deviation(output, at + length, length) / deviation(guided, 0, length);
            float factor = (float) (phi * ratio + 1 - phi);
            for (int k = 0; k < length; k++) {
                guided[k] *= factor;
            }
        }
        return guided;
    }

    /** The standard deviation, as of a sample. */
    private static double deviation(float[] x, int from, int length) {
        double sum = 0;
        for (int k = from; k < from + length; k++) {
            sum += x[k];
        }
        double mean = sum / length;
        double squares = 0;
        for (int k = from; k < from + length; k++) {
            squares += (x[k] - mean) * (x[k] - mean);
        }
        return Math.sqrt(squares / (length - 1));
    }

    /**
     * Decodes a picture whose steps are done.
     *
     * @throws IllegalStateException if the latents are not finite numbers: the model cannot draw this request
     */
    public Picture finish(Generation generation) {
        ImageSpec spec = generation.spec();
        int factor = networks.vae().factor();
        float[] z = generation.sampler().latents();
        for (int k = 0; k < z.length; k++) {
            if (!Float.isFinite(z[k])) {
                throw new IllegalStateException("the latents became " + z[k] + " after " + generation.stepsDone()
                        + " steps with sampler " + spec.sampler().id() + " and guidance scale "
                        + spec.guidanceScale());
            }
        }
        networks.vae().unscale(z);
        float[] x = networks.decode(z, 1, spec.height() / factor, spec.width() / factor);
        return Picture.of(x, spec.width(), spec.height());
    }

    /** Final latents, for comparison with the reference, {@code [latentChannels, height / factor, width / factor]}. */
    float[] latents(Generation generation) {
        return generation.sampler().latents();
    }

    @Override
    public void close() {
        networks.close();
        prompts.close();
    }
}
