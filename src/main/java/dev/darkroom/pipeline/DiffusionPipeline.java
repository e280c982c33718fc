package dev.darkroom.pipeline;

import dev.darkroom.picture.Picture;
import dev.darkroom.pipeline.Backend.Context;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Draft;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.sampling.SeededNoise;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    public DiffusionPipeline(ModelInfo info, Backend networks, NoiseSchedule schedule, LatentPreview preview) {
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
     * @throws PromptTooLong if a prompt has too many chunks
     * @param index which picture of the request; its seed is {@code request.seeds().of(index)}
     */
    public Generation begin(Request request, int index) {
        int chunks = networks.chunks(request);
        if (chunks > Cost.MAX_CHUNKS) {
            throw new PromptTooLong(chunks);
        }
        int factor = networks.factor();
        int length = networks.latentChannels()
                * (request.size().height() / factor)
                * (request.size().width() / factor);
        SeededNoise noise = new SeededNoise(request.seeds().of(index));
        float[] initialNoise = noise.normal(length);
        Sampler sampler = Sampler.of(request.sampling(), schedule, noise, initialNoise);
        return new Generation(request, index, networks.encode(request), sampler);
    }

    /**
     * Draws the model's smallest picture, and evaluates the U-Net once for every shape that is slow at first, so that no client
     * waits for that.
     *
     * @param maxRows most rows of a call
     */
    public void warmUp(int maxRows) {
        int side = info.minSize() / networks.factor();
        try (Generation generation = begin(smallest(info.guidanceScale()), 0)) {
            while (!generation.done()) {
                step(List.of(generation));
            }
            networks.decode(generation.sampler().latents(), side, side);
        }
        int height = info.height() / networks.factor();
        int width = info.width() / networks.factor();
        try (Context one = networks.encode(smallest(1));
                Context two = networks.encode(smallest(2))) {
            for (int[] shape : networks.shapes(maxRows)) {
                int pictures = shape[0];
                int guided = shape[1] - pictures;
                List<Context> contexts = new ArrayList<>(Collections.nCopies(guided, two));
                contexts.addAll(Collections.nCopies(pictures - guided, one));
                networks.predict(
                        new float[pictures * networks.latentChannels() * height * width],
                        new float[pictures],
                        contexts,
                        height,
                        width);
            }
        }
    }

    private Request smallest(double guidanceScale) {
        return Request.of(
                Draft.of(Map.of(
                        "prompt",
                        "warm-up",
                        "width",
                        info.minSize(),
                        "height",
                        info.minSize(),
                        "guidance_scale",
                        guidanceScale,
                        "steps",
                        1,
                        "seed",
                        0L)),
                info);
    }

    /** Loads the networks, which otherwise happens at their first use. On any thread, before anything else is done with this. */
    public void load() {
        networks.load();
    }

    /**
     * Moves every picture by one evaluation of the U-Net: a picture that is to be exact in a call of its own, which has the
     * same shape whoever is there; all rows of all others whose prompts have the same number of chunks in one call, each with its
     * own timestep. Then every picture's own sampler takes its own answer.
     *
     * @param generations of one size, none of them done; samplers, prompts, timesteps and guidance scales may differ
     * @return pictures that cannot go on, as their sampler could not take its answer, each with the reason; none usually. If
     *     this throws instead, no picture has moved
     */
    public Map<Generation, RuntimeException> step(List<Generation> generations) {
        Request first = generations.get(0).request();
        List<List<Generation>> calls = new ArrayList<>();
        Map<Integer, List<Generation>> shared = new LinkedHashMap<>();
        for (Generation generation : generations) {
            if (generation.request().size().width() != first.size().width()
                    || generation.request().size().height() != first.size().height()) {
                throw new IllegalArgumentException("pictures of one call must have one size, found "
                        + first.size().width()
                        + "×" + first.size().height() + " and "
                        + generation.request().size().width() + "×"
                        + generation.request().size().height());
            }
            if (generation.request().run().determinism() == Determinism.EXACT) {
                calls.add(List.of(generation));
            } else {
                shared.computeIfAbsent(generation.context().tokens(), length -> new ArrayList<>())
                        .add(generation);
            }
        }
        calls.addAll(shared.values());
        // All answers first: should a call fail, no picture has moved.
        List<float[]> outputs = calls.stream().map(this::predict).toList();
        Map<Generation, RuntimeException> failures = new IdentityHashMap<>();
        for (int i = 0; i < outputs.size(); i++) {
            absorb(calls.get(i), outputs.get(i), failures);
        }
        return failures;
    }

    /** @return the answers to all rows of the pictures, one after the other */
    private float[] predict(List<Generation> generations) {
        int factor = networks.factor();
        Request first = generations.get(0).request();
        int latent = generations.get(0).sampler().latents().length;
        float[] sample = new float[generations.size() * latent];
        float[] timesteps = new float[generations.size()];
        for (int i = 0; i < generations.size(); i++) {
            Generation generation = generations.get(i);
            timesteps[i] = generation.sampler().timestep();
            System.arraycopy(generation.sampler().input(), 0, sample, i * latent, latent);
        }
        return networks.predict(
                sample,
                timesteps,
                generations.stream().map(Generation::context).toList(),
                first.size().height() / factor,
                first.size().width() / factor);
    }

    private void absorb(List<Generation> generations, float[] output, Map<Generation, RuntimeException> failures) {
        int latent = generations.get(0).sampler().latents().length;
        int at = 0;
        for (Generation generation : generations) {
            try {
                generation.absorb(guide(generation, output, at, latent));
            } catch (RuntimeException e) {
                failures.put(generation, e);
            }
            at += generation.rows() * latent;
        }
    }

    /**
     * Classifier-free guidance, Ho and Salimans 2022, equation (6), in the form {@code u + s (c − u)}; then rescaled by Lin et
     * al. 2024, equations (15) and (16).
     */
    private static float[] guide(Generation generation, float[] output, int at, int length) {
        float[] guided = new float[length];
        if (generation.rows() == 1) {
            System.arraycopy(output, at, guided, 0, length);
            return guided;
        }
        float s = (float) generation.request().guidance().scale();
        for (int k = 0; k < length; k++) {
            float u = output[at + k];
            guided[k] = u + s * (output[at + length + k] - u);
        }
        double phi = generation.request().guidance().rescale();
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
        Request request = generation.request();
        int factor = networks.factor();
        return Optional.of(preview.draw(
                latents, request.size().height() / factor, request.size().width() / factor));
    }

    /**
     * Decodes a picture whose steps are done.
     *
     * @throws NotFinite if latents or picture are no finite numbers: the model cannot draw this request
     */
    public Picture finish(Generation generation) {
        Request request = generation.request();
        int factor = networks.factor();
        float[] z = generation.sampler().latents();
        for (float value : z) {
            if (!Float.isFinite(value)) {
                throw NotFinite.latents(request, generation.stepsDone(), value);
            }
        }
        int height = request.size().height() / factor;
        int width = request.size().width() / factor;
        float[] x = networks.decode(z.clone(), height, width);
        for (float value : x) {
            if (!Float.isFinite(value)) {
                throw NotFinite.picture(request, value);
            }
        }
        preview.learn(z, x, height, width);
        return Picture.of(x, request.size().width(), request.size().height());
    }

    /** Final latents, for comparison with the reference, {@code [latentChannels, height / factor, width / factor]}. */
    float[] latents(Generation generation) {
        return generation.sampler().latents();
    }

    /** What previews are drawn by, the {@code latent_rgb} of {@code darkroom.json}. */
    public double[][] latentRgb() {
        return preview.map();
    }

    @Override
    public void close() {
        networks.close();
    }
}
