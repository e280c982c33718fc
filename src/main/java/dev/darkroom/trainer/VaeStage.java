package dev.darkroom.trainer;

import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.AutoencoderKl;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * Trains the VAE: pictures to latents an eighth of their size and back (Rombach et al. 2022, section 3.1, without the
 * adversarial loss).
 */
final class VaeStage {
    /** Weight of the squared error: at a difference of 1/8 of the whole range it pulls as hard as the absolute one. */
    private static final double SQUARES = 2;

    private final TrainingRun run;
    private final Dataset dataset;
    private final AutoencoderKl vae;

    VaeStage(TrainingRun run, Dataset dataset) {
        this.run = run;
        this.dataset = dataset;
        this.vae = new AutoencoderKl(DiffusersFolder.open(run.model()).component("vae"));
    }

    /**
     * Trains until done or until the sitting is over; when done, writes the weights to the model's folder.
     *
     * @return whether it is done
     */
    boolean train() throws IOException {
        Settings settings = run.settings();
        int batch = settings.vae().batch();
        int size = dataset.size();
        int c = vae.latentChannels();
        int h = size / vae.factor();
        Program program = new Program(Program.Kernels.forTraining());
        Value x = program.input("x", 1, 3, size, size);
        Value noise = program.input("noise", 1, c, h, h);
        program.method("forward", loss(program, x, noise), x, noise);

        List<Sample> listed = dataset.samples(Sample.Use.LISTED);
        List<Sample> all = dataset.samples(Sample.Use.LISTED, Sample.Use.POOL);
        try (TrainingLoop loop = new TrainingLoop(run, "vae", settings.vae(), program, Map.of())) {
            while (loop.goesOn()) {
                Random random = loop.random();
                float[] pictures = new float[batch * 3 * size * size];
                for (int i = 0; i < batch; i++) {
                    List<Sample> from = random.nextDouble() < settings.listedShare() ? listed : all;
                    Icon picture = from.get(random.nextInt(from.size())).picture();
                    float[] seen = View.draw(random, size, true).of(picture);
                    System.arraycopy(seen, 0, pictures, i * seen.length, seen.length);
                }
                float[] epsilon = Gaussian.draw(random, batch * c * h * h);
                try (NDManager scope = loop.newScope()) {
                    loop.step(
                            Learner.floats(scope, pictures, batch, 3, size, size),
                            Learner.floats(scope, epsilon, batch, c, h, h));
                }
                if (loop.sheetDue()) {
                    look(loop);
                }
            }
            if (loop.finished()) {
                Map<String, Tensor> weights = loop.average();
                normaliseLatents(weights, listed);
                ModelWriter.write(run.model().resolve("vae/diffusion_pytorch_model.safetensors"), "", weights);
            }
            return loop.finished();
        }
    }

    /**
     * Absolute error of pixels, of their differences to the right and below (edges), and of their means over 4 × 4 (colours);
     * the squared error of pixels, which pulls at a wrong colour the harder the more it is wrong; and the KL term.
     */
    private Value loss(Program p, Value x, Value noise) {
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
        picture = p.add(
                picture,
                p.let("torch.mul(torch.mean(torch.mul(" + e.name() + ", " + e.name() + ")), " + SQUARES + ")"));
        return p.add(
                picture, p.let("torch.mul(" + kl.name() + ", " + run.settings().klWeight() / 2 + ")"));
    }

    /** Logs the PSNR on held-out pictures and shows some of them before and after. */
    private void look(TrainingLoop loop) throws IOException {
        List<Sample> samples = spread(dataset.samples(Sample.Use.HELD_OUT), 48);
        if (samples.isEmpty()) {
            samples = spread(dataset.samples(Sample.Use.LISTED), 48);
        }
        Map<String, Tensor> weights = loop.average();
        try (Codec codec = new Codec(vae, dataset.size(), name -> Objects.requireNonNull(weights.get(name), name))) {
            Sheet sheet = new Sheet(16);
            double squares = 0;
            for (Sample sample : samples) {
                Icon again = codec.decode(codec.encode(sample.picture()), 0);
                squares += sample.picture().meanSquare(again);
                sheet.add(sample.picture(), sample.title());
                sheet.add(again, "PSNR %.1f dB".formatted(psnr(sample.picture().meanSquare(again))));
            }
            loop.log(Map.of("held_out_psnr", psnr(squares / samples.size())));
            sheet.write(run.work().resolve("sheets/vae-%06d.png".formatted(loop.stepsDone())));
        }
    }

    /** @param meanSquare of differences in 0–255 */
    static double psnr(double meanSquare) {
        return 10 * Math.log10(255.0 * 255.0 / meanSquare);
    }

    private static List<Sample> spread(List<Sample> samples, int most) {
        int step = (samples.size() + most - 1) / most;
        return samples.stream().filter(s -> samples.indexOf(s) % step == 0).toList();
    }

    /**
     * Makes every channel of the latents zero-mean and of unit variance over the samples, by folding shift and scale into the two
     * 1×1 convolutions next to the latents; the VAE's pictures do not change.
     */
    private void normaliseLatents(Map<String, Tensor> weights, List<Sample> samples) {
        int c = vae.latentChannels();
        double[] sum = new double[c];
        double[] squares = new double[c];
        int count = 0;
        try (Codec codec = new Codec(vae, dataset.size(), name -> Objects.requireNonNull(weights.get(name), name))) {
            for (Sample sample : samples) {
                float[] mean = codec.encode(sample.picture());
                int pixels = mean.length / c;
                count += pixels;
                for (int k = 0; k < mean.length; k++) {
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
}
