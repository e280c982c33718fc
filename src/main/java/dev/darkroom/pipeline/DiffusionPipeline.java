package dev.darkroom.pipeline;

import dev.darkroom.model.ClipTokenizer;
import dev.darkroom.model.Networks;
import dev.darkroom.model.Networks.TextStates;
import dev.darkroom.model.UNet2DCondition;
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
 * thread at a time. Reference: diffusers {@code pipelines/}, {@code stable_diffusion/pipeline_stable_diffusion.py}, {@code
 * stable_diffusion_xl/pipeline_stable_diffusion_xl.py} and {@code latent_consistency_models/}.
 */
public final class DiffusionPipeline implements AutoCloseable {
    private static final int REMEMBERED_PROMPTS = 64;

    private final ModelInfo info;
    private final Networks networks;
    private final List<ClipTokenizer> tokenizers;
    private final NoiseSchedule schedule;
    private final boolean zerosForEmptyPrompt;
    private final Map<String, TextStates> encoded = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, TextStates> eldest) {
            return size() > REMEMBERED_PROMPTS;
        }
    };

    /**
     * Takes over tokenizers and networks, which are loaded.
     *
     * @param tokenizers one for each text encoder
     * @param zerosForEmptyPrompt whether an empty negative prompt means zeros instead of what the encoders say about it
     */
    DiffusionPipeline(
            ModelInfo info,
            Networks networks,
            List<ClipTokenizer> tokenizers,
            NoiseSchedule schedule,
            boolean zerosForEmptyPrompt) {
        this.info = info;
        this.networks = networks;
        this.tokenizers = tokenizers;
        this.schedule = schedule;
        this.zerosForEmptyPrompt = zerosForEmptyPrompt;
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
        TextStates text = encode(spec.prompt());
        boolean guided = spec.guidanceScale() > 1 && !unet.knowsGuidance();
        return new Generation(
                spec,
                index,
                Conditioning.of(unet, text, spec, false),
                guided ? Conditioning.of(unet, encodeNegative(spec.negativePrompt(), text), spec, true) : null,
                Sampler.of(spec.sampler(), spec.schedule(), schedule, spec.steps(), noise, initialNoise));
    }

    private TextStates encode(String prompt) {
        return encoded.computeIfAbsent(prompt, this::encodeAnew);
    }

    private TextStates encodeNegative(String prompt, TextStates like) {
        if (!prompt.isEmpty() || !zerosForEmptyPrompt) {
            return encode(prompt);
        }
        float[] pooled = like.pooled() == null ? null : new float[like.pooled().length];
        return new TextStates(new float[like.hidden().length], pooled);
    }

    /** The hidden states of all encoders side by side, and the last one's pooled state. */
    private TextStates encodeAnew(String prompt) {
        TextStates states = networks.encodeText(0, tokenizers.get(0).encode(prompt), 0);
        for (int i = 1; i < tokenizers.size(); i++) {
            TextStates next = networks.encodeText(i, tokenizers.get(i).encode(prompt), 0);
            int left = networks.text(i - 1).width();
            states = new TextStates(
                    beside(
                            states.hidden(),
                            left,
                            next.hidden(),
                            networks.text(i).width()),
                    next.pooled());
        }
        return states;
    }

    /** {@code [tokens, m]} and {@code [tokens, n]} → {@code [tokens, m + n]}. */
    private static float[] beside(float[] a, int m, float[] b, int n) {
        float[] both = new float[a.length + b.length];
        for (int row = 0; row < a.length / m; row++) {
            System.arraycopy(a, row * m, both, row * (m + n), m);
            System.arraycopy(b, row * n, both, row * (m + n) + m, n);
        }
        return both;
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
        int context = generations.get(0).conditioning(0).context().length;
        int added = networks.unet().addedWidth();
        float[] sample = new float[rows * latent];
        float[] timesteps = new float[rows];
        float[] contexts = new float[rows * context];
        float[] addeds = new float[rows * added];
        int row = 0;
        for (Generation generation : generations) {
            if (generation.spec().width() != first.width() || generation.spec().height() != first.height()) {
                throw new IllegalArgumentException("pictures of one call must have one size, found " + first.width()
                        + "×" + first.height() + " and " + generation.spec().width() + "×"
                        + generation.spec().height());
            }
            float[] input = generation.sampler().input();
            for (int k = 0; k < generation.rows(); k++, row++) {
                Conditioning conditioning = generation.conditioning(k);
                timesteps[row] = generation.sampler().timestep();
                System.arraycopy(input, 0, sample, row * latent, latent);
                System.arraycopy(conditioning.context(), 0, contexts, row * context, context);
                System.arraycopy(conditioning.added(), 0, addeds, row * added, added);
            }
        }
        float[] output =
                networks.predict(sample, timesteps, contexts, addeds, first.height() / factor, first.width() / factor);
        int at = 0;
        for (Generation generation : generations) {
            generation.sampler().absorb(guide(generation, output, at, latent));
            at += generation.rows() * latent;
        }
    }

    /** Classifier-free guidance, Ho and Salimans 2022, equation (6), in the form {@code u + s (c − u)}. */
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
        return guided;
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
        tokenizers.forEach(ClipTokenizer::close);
    }
}
