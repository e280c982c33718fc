package dev.darkroom.pipeline;

import dev.darkroom.model.ClipTokenizer;
import dev.darkroom.model.Networks;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.sampling.SeededNoise;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Prompt to picture with one model (Rombach et al. 2022): {@link #begin} encodes the prompt and draws the noise, {@link
 * #step} moves any number of pictures by one denoising step with one U-Net call, {@link #finish} decodes the latents. One
 * thread at a time. Reference: diffusers {@code pipelines/stable_diffusion/pipeline_stable_diffusion.py}.
 */
public final class DiffusionPipeline implements AutoCloseable {
    private static final int REMEMBERED_PROMPTS = 64;

    private final ModelInfo info;
    private final Networks networks;
    private final ClipTokenizer tokenizer;
    private final NoiseSchedule schedule;
    private final Map<String, float[]> encoded = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, float[]> eldest) {
            return size() > REMEMBERED_PROMPTS;
        }
    };

    /** Takes over tokenizer and networks, which are loaded. */
    DiffusionPipeline(ModelInfo info, Networks networks, ClipTokenizer tokenizer, NoiseSchedule schedule) {
        this.info = info;
        this.networks = networks;
        this.tokenizer = tokenizer;
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
        return new Generation(
                spec,
                index,
                encode(spec.prompt()),
                encode(spec.negativePrompt()),
                Sampler.of(spec.sampling(), schedule, noise, initialNoise));
    }

    private float[] encode(String prompt) {
        return encoded.computeIfAbsent(prompt, text -> networks.encodeText(tokenizer.encode(text)));
    }

    /**
     * Moves every picture by one evaluation of the U-Net: all rows of all pictures share one call, each with its own
     * timestep; then every picture's own sampler takes its own answer.
     *
     * @param generations of one size, none of them done; samplers, prompts, timesteps and guidance scales may differ
     */
    public void step(List<Generation> generations) {
        int factor = networks.vae().factor();
        ImageSpec first = generations.get(0).spec();
        int rows = generations.stream().mapToInt(Generation::rows).sum();
        int latent = generations.get(0).sampler().latents().length;
        int conditioning = generations.get(0).context().length;
        float[] sample = new float[rows * latent];
        float[] timesteps = new float[rows];
        float[] context = new float[rows * conditioning];
        int row = 0;
        for (Generation generation : generations) {
            if (generation.spec().width() != first.width() || generation.spec().height() != first.height()) {
                throw new IllegalArgumentException("pictures of one call must have one size, found " + first.width()
                        + "×" + first.height() + " and " + generation.spec().width() + "×"
                        + generation.spec().height());
            }
            float[] input = generation.sampler().input();
            for (int k = 0; k < generation.rows(); k++, row++) {
                boolean negative = generation.guided() && k == 0;
                timesteps[row] = generation.sampler().timestep();
                System.arraycopy(input, 0, sample, row * latent, latent);
                System.arraycopy(
                        negative ? generation.negativeContext() : generation.context(),
                        0,
                        context,
                        row * conditioning,
                        conditioning);
            }
        }
        float[] output = networks.predict(sample, timesteps, context, first.height() / factor, first.width() / factor);
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
        float scaling = (float) networks.vae().scalingFactor();
        float shift = (float) networks.vae().shiftFactor();
        for (int k = 0; k < z.length; k++) {
            if (!Float.isFinite(z[k])) {
                throw new IllegalStateException("the latents became " + z[k] + " after " + generation.stepsDone()
                        + " steps with sampler " + spec.sampler().id() + " and guidance scale "
                        + spec.guidanceScale());
            }
            z[k] = z[k] / scaling + shift;
        }
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
        tokenizer.close();
    }
}
