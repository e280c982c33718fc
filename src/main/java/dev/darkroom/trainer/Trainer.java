package dev.darkroom.trainer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.model.AutoencoderKl;
import dev.darkroom.model.ClipText;
import dev.darkroom.model.ClipTokenizer;
import dev.darkroom.model.Network;
import dev.darkroom.model.Program;
import dev.darkroom.model.UNet2DCondition;
import dev.darkroom.model.Value;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.ScheduleConfig;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Tensor;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Trains the model in the jar from nothing: first the VAE on pictures, then the text encoder, then text encoder and U-Net
 * together on the VAE's latents. Every stage runs for a given time; the learning rate warms up and then falls along a half cosine over that
 * time. A run that was interrupted goes on from its last checkpoint.
 *
 * <p>Work folder: {@code pictures.bin} (the data set), {@code *.checkpoint.safetensors}, {@code model/} (the diffusers
 * folder, rewritten at every checkpoint, so that one can draw with it while training goes on).
 */
public final class Trainer {
    // Settings. Everything about the networks' form is in the configs under resources, model/.
    private static final int VAE_BATCH = 8;
    private static final double VAE_LEARNING_RATE = 1.5e-3;
    /** Share of the VAE's pictures that come from the captioned ones; the rest from the whole icon set. */
    private static final double CAPTIONED = 0.6;
    /** Weight of the mean KL divergence to a standard normal; small, as in Rombach et al. 2022, appendix G. */
    private static final double KL_WEIGHT = 3e-4;

    private static final int TEXT_BATCH = 64;
    private static final double TEXT_LEARNING_RATE = 1e-3;
    /** The text encoder alone gets one part in so many of the time of text encoder and U-Net. */
    private static final int TEXT_SHARE = 30;

    /** Regions of a picture, in each direction, that the text encoder learns to describe. */
    private static final int REGIONS = 4;

    private static final int BATCH = 16;
    private static final double LEARNING_RATE = 7e-4;
    /**
     * Timesteps are drawn as {@code T uᵖ} with u uniform: below 1 there are more of the noisy ones, where the prompt decides what
     * becomes of the noise, and fewer of the last ones, whose errors nobody sees.
     */
    private static final double TIMESTEP_POWER = 0.4;
    /** Share of samples without a prompt, for classifier-free guidance (Ho and Salimans 2022, algorithm 1). */
    private static final double PROMPT_DROPOUT = 0.1;

    private static final int WARM_UP_STEPS = 200;
    private static final Duration CHECKPOINT_EVERY = Duration.ofMinutes(4);
    private static final long SEED = 1;

    private static final String[] CONFIGS = {
        "model_index.json",
        "text_encoder/config.json",
        "unet/config.json",
        "vae/config.json",
        "scheduler/scheduler_config.json"
    };

    /** Told how training goes. */
    public interface Progress {
        /**
         * @param stage {@code vae}, {@code text} or {@code unet}
         * @param fraction of the stage's time, 0 … 1
         * @param samples seen per second
         * @param loss averaged over the last steps
         */
        void at(String stage, double fraction, int step, double samples, double loss);
    }

    private final Path work;
    private final Path folder;
    private final Progress progress;
    private final Dataset dataset;
    private final Random random = new Random(SEED);

    private Trainer(Path work, Dataset dataset, Progress progress) {
        this.work = work;
        this.folder = work.resolve("model");
        this.progress = progress;
        this.dataset = dataset;
    }

    /**
     * Trains and writes {@code work/model}. Stages whose result is already there are skipped.
     *
     * @param concepts what to learn, in the form of {@code concepts.txt} beside this class; null is that file
     * @param vaeTime for the VAE
     * @param unetTime for text encoder and U-Net
     * @return the diffusers folder
     * @throws IOException when the pictures cannot be fetched or a file cannot be written
     */
    public static Path train(Path work, @Nullable Path concepts, Duration vaeTime, Duration unetTime, Progress progress)
            throws IOException {
        Files.createDirectories(work);
        return train(work, Dataset.prepare(work, concepts), vaeTime, unetTime, progress);
    }

    static Path train(Path work, Dataset dataset, Duration vaeTime, Duration unetTime, Progress progress)
            throws IOException {
        Trainer trainer = new Trainer(work, dataset, progress);
        trainer.dataset.contactSheet(work.resolve("contact.png"));
        trainer.writeConfigs();
        if (!Files.exists(trainer.folder.resolve("vae/diffusion_pytorch_model.safetensors"))) {
            trainer.trainVae(vaeTime);
        }
        DiffusersFolder model = DiffusersFolder.open(trainer.folder);
        ClipText text = new ClipText(model.component("text_encoder"));
        UNet2DCondition unet = new UNet2DCondition(model.component("unet"));
        try (ClipTokenizer tokenizer =
                ClipTokenizer.open(model.component("tokenizer").folder())) {
            Captioned captioned =
                    new Captioned(dataset, trainer.latents(model.component("vae")), tokenizer, trainer.random);
            Map<String, Tensor> encoder = trainer.trainText(unetTime.dividedBy(TEXT_SHARE), text, unet, captioned);
            trainer.trainUnet(unetTime, text, unet, encoder, model, captioned);
        }
        return trainer.folder;
    }

    private void writeConfigs() throws IOException {
        int vocabulary = dataset.writeTokenizer(folder.resolve("tokenizer"), 24);
        for (String name : CONFIGS) {
            try (InputStream in = Trainer.class.getResourceAsStream("model/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("resource model/" + name + " is missing");
                }
                String text = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                        .replace("\"vocab_size\": 0", "\"vocab_size\": " + vocabulary);
                AtomicFiles.write(folder.resolve(name), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
            }
        }
    }

    // ---- stage 1: the VAE

    private void trainVae(Duration time) throws IOException {
        DiffusersFolder.Component component = DiffusersFolder.open(folder).component("vae");
        AutoencoderKl vae = new AutoencoderKl(component);
        int channels = vae.latentChannels();
        int size = Dataset.SIZE / vae.factor();
        Program program = new Program();
        Value x = program.input("x", 1, 3, Dataset.SIZE, Dataset.SIZE);
        Value noise = program.input("noise", 1, channels, size, size);
        program.method("forward", vaeLoss(program, vae, x, noise), x, noise);
        Path checkpoint = work.resolve("vae.checkpoint.safetensors");
        try (Learner learner = new Learner(program, Map.of(), checkpoint, work.resolve("compiled"), SEED)) {
            Loop loop = new Loop("vae", time, VAE_BATCH, VAE_LEARNING_RATE, learner, checkpoint);
            while (loop.goesOn()) {
                float[] pictures = new float[VAE_BATCH * 3 * Dataset.SIZE * Dataset.SIZE];
                for (int i = 0; i < VAE_BATCH; i++) {
                    float[] picture = random.nextDouble() < CAPTIONED
                            ? dataset.image(random.nextInt(dataset.size()), random, true)
                            : dataset.vaeImage(random.nextInt(dataset.vaeSize()), random);
                    System.arraycopy(picture, 0, pictures, i * picture.length, picture.length);
                }
                try (NDManager scope = learner.newScope()) {
                    loop.step(
                            Learner.floats(scope, pictures, VAE_BATCH, 3, Dataset.SIZE, Dataset.SIZE),
                            Learner.floats(
                                    scope,
                                    gaussian(VAE_BATCH * channels * size * size),
                                    VAE_BATCH,
                                    channels,
                                    size,
                                    size));
                }
            }
            Map<String, Tensor> weights = learner.average();
            normaliseLatents(vae, weights);
            write("vae/diffusion_pytorch_model.safetensors", "", weights);
        }
    }

    /**
     * Absolute error of pixels, of their differences to the right and below (edges), and of their means over 4 × 4 (colours),
     * and the KL term.
     */
    private static Value vaeLoss(Program p, AutoencoderKl vae, Value x, Value noise) {
        int c = vae.latentChannels();
        long h = noise.shape()[2];
        String moments = vae.describeEncoder(p, x).name();
        Value mean = p.let("torch.slice(" + moments + ", 1, 0, " + c + ", 1)", 1, c, h, h);
        Value logvar = p.let("torch.clamp(torch.slice(" + moments + ", 1, " + c + ", " + 2 * c + ", 1), -30., 20.)", 1);
        Value z = p.let(
                "torch.add(" + mean.name() + ", torch.mul(torch.exp(torch.mul(" + logvar.name() + ", 0.5)), "
                        + noise.name() + "))",
                mean.shape());
        Value e = p.let("torch.sub(" + vae.describeDecoder(p, z).name() + ", " + x.name() + ")", x.shape());
        String right = "torch.sub(torch.slice(%1$s, 3, 1, 9223372036854775807, 1), torch.slice(%1$s, 3, 0, -1, 1))";
        String below = "torch.sub(torch.slice(%1$s, 2, 1, 9223372036854775807, 1), torch.slice(%1$s, 2, 0, -1, 1))";
        Value pixels = p.let("torch.mean(torch.abs(" + e.name() + "))");
        Value dx = p.let("torch.mean(torch.abs(" + right.formatted(e.name()) + "))");
        Value dy = p.let("torch.mean(torch.abs(" + below.formatted(e.name()) + "))");
        Value kl = p.let("torch.mean(torch.sub(torch.sub(torch.add(torch.mul(" + mean.name() + ", " + mean.name()
                + "), torch.exp(" + logvar.name() + ")), " + logvar.name() + "), 1))");
        Value colours = p.let("torch.mean(torch.abs(torch.avg_pool2d(" + e.name() + ", [4, 4])))");
        Value picture = p.add(pixels, p.let("torch.mul(torch.add(" + dx.name() + ", " + dy.name() + "), 0.5)"));
        picture = p.add(picture, colours);
        return p.add(picture, p.let("torch.mul(" + kl.name() + ", " + KL_WEIGHT / 2 + ")"));
    }

    /**
     * Makes every channel of the latents zero-mean and of unit variance over the data set, by folding shift and scale into
     * the two 1×1 convolutions next to the latents; the VAE's pictures do not change.
     */
    private void normaliseLatents(AutoencoderKl vae, Map<String, Tensor> weights) {
        int c = vae.latentChannels();
        double[] sum = new double[c];
        double[] squares = new double[c];
        int count = 0;
        try (Network encoder = encoder(vae, weights)) {
            for (int i = 0; i < dataset.size(); i++) {
                float[] mean = encode(encoder, dataset.image(i));
                int pixels = mean.length / 2 / c;
                count += pixels;
                for (int k = 0; k < c * pixels; k++) {
                    sum[k / pixels] += mean[k];
                    squares[k / pixels] += mean[k] * (double) mean[k];
                }
            }
        }
        float[] in = floats(weights, "quant_conv.weight");
        float[] inBias = floats(weights, "quant_conv.bias");
        float[] out = floats(weights, "post_quant_conv.weight");
        float[] outBias = floats(weights, "post_quant_conv.bias");
        for (int k = 0; k < c; k++) {
            double mu = sum[k] / count;
            double sigma = Math.sqrt(squares[k] / count - mu * mu);
            for (int j = 0; j < 2 * c; j++) {
                in[k * 2 * c + j] /= (float) sigma;
            }
            inBias[k] = (float) ((inBias[k] - mu) / sigma);
            inBias[c + k] -= (float) (2 * Math.log(sigma));
            for (int o = 0; o < c; o++) {
                outBias[o] += (float) (out[o * c + k] * mu);
                out[o * c + k] *= (float) sigma;
            }
        }
        weights.put("quant_conv.weight", Tensor.of("quant_conv.weight", in, 2 * c, 2 * c, 1, 1));
        weights.put("quant_conv.bias", Tensor.of("quant_conv.bias", inBias, 2 * c));
        weights.put("post_quant_conv.weight", Tensor.of("post_quant_conv.weight", out, c, c, 1, 1));
        weights.put("post_quant_conv.bias", Tensor.of("post_quant_conv.bias", outBias, c));
    }

    private static float[] floats(Map<String, Tensor> weights, String name) {
        return Objects.requireNonNull(weights.get(name), name).toFloats();
    }

    private Network encoder(AutoencoderKl vae, Map<String, Tensor> weights) {
        Program program = new Program();
        Value x = program.input("x", 1, 3, Dataset.SIZE, Dataset.SIZE);
        program.method("forward", vae.describeEncoder(program, x), x);
        return Network.load(program, parameter -> Objects.requireNonNull(weights.get(parameter.name())));
    }

    private static float[] encode(Network encoder, float[] picture) {
        try (NDManager scope = encoder.newScope()) {
            return encoder.call("forward", Learner.floats(scope, picture, 1, 3, Dataset.SIZE, Dataset.SIZE))
                    .toFloatArray();
        }
    }

    // ---- stage 2: the text encoder

    /**
     * Teaches the text encoder to say what is where before there is a U-Net to talk to. A prompt is short and padded; the last
     * {@link #REGIONS}² positions, which see all of it, are each mapped linearly to the latents of their own region of the
     * captioned picture. The map is thrown away. What stays are hidden states with a coarse plan of the picture, in which the
     * U-Net's cross-attention only has to find its place: learning that once is much quicker than learning every picture's
     * layout from one sentence vector.
     */
    private Map<String, Tensor> trainText(Duration time, ClipText text, UNet2DCondition unet, Captioned captioned)
            throws IOException {
        int c = unet.inChannels();
        int size = unet.sampleSize();
        int side = size / REGIONS;
        int regions = REGIONS * REGIONS;
        Program program = new Program();
        Value ids = program.input("ids", 1, text.positions());
        Value x0 = program.input("x0", 1, c, size, size);
        Value hidden = text.describe(program.at("text_encoder"), ids);
        Value last = program.let(
                "torch.slice(" + hidden.name() + ", 1, " + (text.positions() - regions) + ", " + text.positions()
                        + ", 1)",
                1,
                regions,
                text.width());
        Value found = program.linear("head", last, c * side * side);
        String cut = "torch.reshape(" + x0.name() + ", [-1, " + c + ", " + REGIONS + ", " + side + ", " + REGIONS + ", "
                + side + "])";
        Value wanted = program.let(
                "torch.reshape(torch.permute(" + cut + ", [0, 2, 4, 1, 3, 5]), [-1, " + regions + ", " + c * side * side
                        + "])",
                found.shape());
        Value error = program.let("torch.sub(" + found.name() + ", " + wanted.name() + ")", found.shape());
        program.method("forward", meanSquare(program, error), ids, x0);
        Path checkpoint = work.resolve("text.checkpoint.safetensors");
        try (Learner learner = new Learner(program, Map.of(), checkpoint, work.resolve("compiled"), SEED)) {
            Loop loop = new Loop("text", time, TEXT_BATCH, TEXT_LEARNING_RATE, learner, checkpoint);
            while (loop.goesOn()) {
                Captioned.Batch batch = captioned.draw(TEXT_BATCH, 0);
                try (NDManager scope = learner.newScope()) {
                    loop.step(ids(scope, batch), Learner.floats(scope, batch.latents(), TEXT_BATCH, c, size, size));
                }
            }
            Map<String, Tensor> weights = learner.average();
            weights.keySet().removeIf(name -> name.startsWith("head."));
            return weights;
        }
    }

    // ---- stage 3: text encoder and U-Net

    private void trainUnet(
            Duration time,
            ClipText text,
            UNet2DCondition unet,
            Map<String, Tensor> encoder,
            DiffusersFolder model,
            Captioned captioned)
            throws IOException {
        NoiseSchedule schedule = new NoiseSchedule(ScheduleConfig.of(JsonMapper.shared()
                .convertValue(model.component("scheduler").config(), new TypeReference<Map<String, Object>>() {})));
        int c = unet.inChannels();
        int size = unet.sampleSize();
        int length = captioned.latentLength();

        Program program = new Program();
        Value x0 = program.input("x0", 1, c, size, size);
        Value epsilon = program.input("epsilon", 1, c, size, size);
        Value timestep = program.input("timestep", 1);
        Value alpha = program.input("alpha", 1, 1, 1, 1);
        Value sigma = program.input("sigma", 1, 1, 1, 1);
        Value ids = program.input("ids", 1, text.positions());
        program.method(
                "forward",
                unetLoss(program, text, unet, x0, epsilon, timestep, alpha, sigma, ids),
                x0,
                epsilon,
                timestep,
                alpha,
                sigma,
                ids);
        Path checkpoint = work.resolve("unet.checkpoint.safetensors");
        try (Learner learner = new Learner(program, encoder, checkpoint, work.resolve("compiled"), SEED)) {
            Loop loop = new Loop("unet", time, BATCH, LEARNING_RATE, learner, checkpoint);
            loop.onCheckpoint = () -> writeUnet(learner.average());
            while (loop.goesOn()) {
                Captioned.Batch batch = captioned.draw(BATCH, PROMPT_DROPOUT);
                float[] t = new float[BATCH];
                float[] a = new float[BATCH];
                float[] s = new float[BATCH];
                for (int i = 0; i < BATCH; i++) {
                    int step =
                            (int) (schedule.config().trainTimesteps() * Math.pow(random.nextDouble(), TIMESTEP_POWER));
                    t[i] = step;
                    a[i] = (float) Math.sqrt(schedule.alphaCumprod(step));
                    s[i] = (float) Math.sqrt(1 - schedule.alphaCumprod(step));
                }
                try (NDManager scope = learner.newScope()) {
                    loop.step(
                            Learner.floats(scope, batch.latents(), BATCH, c, size, size),
                            Learner.floats(scope, gaussian(BATCH * length), BATCH, c, size, size),
                            Learner.floats(scope, t, BATCH),
                            Learner.floats(scope, a, BATCH, 1, 1, 1),
                            Learner.floats(scope, s, BATCH, 1, 1, 1),
                            ids(scope, batch));
                }
            }
            writeUnet(learner.average());
        }
    }

    private static NDArray ids(NDManager scope, Captioned.Batch batch) {
        return scope.create(
                LongBuffer.wrap(batch.ids()),
                new Shape(batch.size(), batch.ids().length / batch.size()),
                DataType.INT64);
    }

    private static Value meanSquare(Program p, Value error) {
        return p.let("torch.mean(torch.mul(" + error.name() + ", " + error.name() + "))");
    }

    /**
     * Mean squared error of the predicted velocity {@code v = α ε − σ x0} at {@code x_t = α x0 + σ ε} (Salimans and Ho 2022,
     * appendix D).
     */
    private static Value unetLoss(
            Program p,
            ClipText text,
            UNet2DCondition unet,
            Value x0,
            Value epsilon,
            Value timestep,
            Value alpha,
            Value sigma,
            Value ids) {
        Value noisy = p.let(
                "torch.add(torch.mul(" + x0.name() + ", " + alpha.name() + "), torch.mul(" + epsilon.name() + ", "
                        + sigma.name() + "))",
                x0.shape());
        Value v = p.let(
                "torch.sub(torch.mul(" + epsilon.name() + ", " + alpha.name() + "), torch.mul(" + x0.name() + ", "
                        + sigma.name() + "))",
                x0.shape());
        Value context = text.describe(p.at("text_encoder"), ids);
        Value found = unet.describe(p.at("unet"), noisy, timestep, context);
        Value error = p.let("torch.sub(" + found.name() + ", " + v.name() + ")", x0.shape());
        return meanSquare(p, error);
    }

    /** Means of the latents of every captioned picture. */
    private float[][] latents(DiffusersFolder.Component component) {
        AutoencoderKl vae = new AutoencoderKl(component);
        Map<String, Tensor> tensors = new TreeMap<>();
        float[][] latents = new float[dataset.size()][];
        try (Weights weights = component.weights()) {
            weights.names().forEach(name -> tensors.put(name, weights.tensor(name)));
            try (Network encoder = encoder(vae, tensors)) {
                for (int i = 0; i < latents.length; i++) {
                    float[] moments = encode(encoder, dataset.image(i));
                    latents[i] = Arrays.copyOf(moments, moments.length / 2);
                }
            }
        }
        return latents;
    }

    private void writeUnet(Map<String, Tensor> weights) throws IOException {
        write("unet/diffusion_pytorch_model.safetensors", "unet.", weights);
        write("text_encoder/model.safetensors", "text_encoder.", weights);
    }

    private void write(String file, String prefix, Map<String, Tensor> weights) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        weights.forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                writer.add(name.substring(prefix.length()), tensor, DType.F16);
            }
        });
        writer.write(folder.resolve(file));
    }

    private float[] gaussian(int n) {
        float[] noise = new float[n];
        for (int i = 0; i < n; i++) {
            noise[i] = (float) random.nextGaussian();
        }
        return noise;
    }

    private interface Checkpoint {
        void write() throws IOException;
    }

    /** Keeps time, learning rate, progress and checkpoints of one stage. */
    private final class Loop {
        private final String stage;
        private final Duration time;
        private final int batch;
        private final double peak;
        private final Learner learner;
        private final Path checkpoint;
        private final Path clock;
        private final long begin = System.nanoTime();
        private final Duration before;
        private Duration lastSaved = Duration.ZERO;
        private long lastTold = begin;
        private int toldStep;
        private double lossSum;
        private Checkpoint onCheckpoint = () -> {};

        Loop(String stage, Duration time, int batch, double peak, Learner learner, Path checkpoint) throws IOException {
            this.stage = stage;
            this.time = time;
            this.batch = batch;
            this.peak = peak;
            this.learner = learner;
            this.checkpoint = checkpoint;
            this.clock = work.resolve(stage + ".clock");
            this.before =
                    Files.exists(clock) ? Duration.parse(Files.readString(clock).strip()) : Duration.ZERO;
            this.toldStep = learner.step();
        }

        private Duration elapsed() {
            return Duration.ofNanos(System.nanoTime() - begin);
        }

        private double fraction() {
            return Math.min(1, (double) before.plus(elapsed()).toMillis() / time.toMillis());
        }

        boolean goesOn() throws IOException {
            boolean goesOn = fraction() < 1;
            if (!goesOn || elapsed().minus(lastSaved).compareTo(CHECKPOINT_EVERY) > 0) {
                lastSaved = elapsed();
                learner.save(checkpoint);
                AtomicFiles.write(
                        clock,
                        out -> out.write(before.plus(elapsed()).toString().getBytes(StandardCharsets.UTF_8)));
                onCheckpoint.write();
            }
            return goesOn;
        }

        void step(NDArray... inputs) {
            double warmUp = Math.min(1, (learner.step() + 1.0) / WARM_UP_STEPS);
            double cosine = 0.5 * (1 + Math.cos(Math.PI * fraction()));
            lossSum += learner.step(peak * warmUp * (0.02 + 0.98 * cosine), inputs);
            long now = System.nanoTime();
            if (now - lastTold > 10_000_000_000L) {
                int steps = learner.step() - toldStep;
                progress.at(
                        stage, fraction(), learner.step(), steps * batch / ((now - lastTold) / 1e9), lossSum / steps);
                lastTold = now;
                toldStep = learner.step();
                lossSum = 0;
            }
        }
    }
}
