package dev.darkroom.pipeline;

import dev.darkroom.picture.Picture;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.sampling.SeededNoise;
import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Prompt to picture with one model (Rombach et al. 2022): {@link #begin} encodes the prompt and draws the noise, {@link
 * #step} moves any number of pictures by one denoising step, {@link #finish} decodes the latents. One
 * thread at a time. Reference: diffusers {@code pipelines/}, {@code stable_diffusion/pipeline_stable_diffusion.py}, {@code
 * stable_diffusion_xl/pipeline_stable_diffusion_xl.py} and {@code latent_consistency_models/}.
 */
public final class DiffusionPipeline implements AutoCloseable {
    private final ModelInfo info;
    private final Backend networks;
    private final NoiseSchedule schedule;
    private final LatentPreview preview;

    /**
     * Takes over the networks.
     *
     * @param preview shows their latents
     */
    DiffusionPipeline(ModelInfo info, Backend networks, NoiseSchedule schedule, LatentPreview preview) {
        this.info = info;
        this.networks = networks;
        this.schedule = schedule;
        this.preview = preview;
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
        int factor = networks.factor();
        int length = networks.latentChannels() * (spec.height() / factor) * (spec.width() / factor);
        SeededNoise noise = new SeededNoise(spec.seed() + index);
        float[] initialNoise = noise.normal(length);
        Sampler sampler = Sampler.of(spec.sampling(), schedule, noise, initialNoise);
        return new Generation(spec, index, networks.encode(spec), sampler);
    }

    /**
     * Draws the model's smallest picture, and evaluates the U-Net once for every shape that is slow at first, so that no client
     * waits for that.
     *
     * @param maxRows most rows of a call
     */
    public void warmUp(int maxRows) {
        ImageDraft smallest = new ImageDraft()
                .prompt("warm-up")
                .width(info.minSize())
                .height(info.minSize())
                .steps(1)
                .seed(0L);
        Generation generation = begin(ImageSpec.of(smallest, info), 0);
        while (!generation.done()) {
            step(List.of(generation));
        }
        int side = info.minSize() / networks.factor();
        networks.decode(generation.sampler().latents(), side, side);

        Conditioning row = generation.conditioning(0);
        int height = info.height() / networks.factor();
        int width = info.width() / networks.factor();
        for (int[] shape : networks.shapes(maxRows)) {
            int pictures = shape[0];
            int rows = shape[1];
            networks.predict(
                    new float[pictures * networks.latentChannels() * height * width],
                    new float[pictures],
                    LongStream.range(0, rows).map(k -> k % pictures).sorted().toArray(),
                    new float[rows * row.context().length],
                    new float[rows * row.added().length],
                    height,
                    width);
        }
    }

    /**
     * Moves every picture by one evaluation of the U-Net: a picture that is to be exact in a call of its own, which has the
     * same shape whoever is there; all rows of all others whose prompts have the same number of chunks in one call, each with its
     * own timestep. Then every picture's own sampler takes its own answer.
     *
     * @param generations of one size, none of them done; samplers, prompts, timesteps and guidance scales may differ
     */
    public void step(List<Generation> generations) {
        ImageSpec first = generations.get(0).spec();
        List<List<Generation>> calls = new ArrayList<>();
        Map<Integer, List<Generation>> shared = new LinkedHashMap<>();
        for (Generation generation : generations) {
            if (generation.spec().width() != first.width() || generation.spec().height() != first.height()) {
                throw new IllegalArgumentException("pictures of one call must have one size, found " + first.width()
                        + "×" + first.height() + " and " + generation.spec().width() + "×"
                        + generation.spec().height());
            }
            if (generation.spec().determinism() == Determinism.EXACT) {
                calls.add(List.of(generation));
            } else {
                int context = generation.conditioning(0).context().length;
                shared.computeIfAbsent(context, length -> new ArrayList<>()).add(generation);
            }
        }
        calls.addAll(shared.values());
        // All answers first: should a call fail, no picture has moved.
        List<float[]> outputs = calls.stream().map(this::predict).toList();
        for (int i = 0; i < outputs.size(); i++) {
            absorb(calls.get(i), outputs.get(i));
        }
    }

    /** @return the answers to all rows of the pictures, one after the other */
    private float[] predict(List<Generation> generations) {
        int context = generations.get(0).conditioning(0).context().length;
        int factor = networks.factor();
        ImageSpec first = generations.get(0).spec();
        int latent = generations.get(0).sampler().latents().length;
        int added = generations.get(0).conditioning(0).added().length;
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

    private void absorb(List<Generation> generations, float[] output) {
        int latent = generations.get(0).sampler().latents().length;
        int at = 0;
        for (Generation generation : generations) {
            generation.absorb(guide(generation, output, at, latent), schedule);
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
     * What the picture looks like after the last step, about, one pixel a latent.
     *
     * @return empty unless the request wants to see one after this step
     */
    public Optional<Picture> preview(Generation generation) {
        float[] latents = generation.denoised();
        if (latents == null) {
            return Optional.empty();
        }
        ImageSpec spec = generation.spec();
        int factor = networks.factor();
        return Optional.of(preview.draw(latents, spec.height() / factor, spec.width() / factor));
    }

    /**
     * Decodes a picture whose steps are done.
     *
     * @throws IllegalStateException if the latents are not finite numbers: the model cannot draw this request
     */
    public Picture finish(Generation generation) {
        ImageSpec spec = generation.spec();
        int factor = networks.factor();
        float[] z = generation.sampler().latents();
        for (int k = 0; k < z.length; k++) {
            if (!Float.isFinite(z[k])) {
                throw new IllegalStateException("the latents became " + z[k] + " after " + generation.stepsDone()
                        + " steps with sampler " + spec.sampler().id() + " and guidance scale "
                        + spec.guidanceScale());
            }
        }
        int height = spec.height() / factor;
        int width = spec.width() / factor;
        float[] x = networks.decode(z.clone(), height, width);
        preview.learn(z, x, height, width);
        return Picture.of(x, spec.width(), spec.height());
    }

    /** Final latents, for comparison with the reference, {@code [latentChannels, height / factor, width / factor]}. */
    float[] latents(Generation generation) {
        return generation.sampler().latents();
    }

    /** What previews are drawn by, see {@link ModelFolder}. */
    double[][] latentRgb() {
        return preview.map();
    }

    @Override
    public void close() {
        networks.close();
    }
}
