package dev.darkroom.trainer;

import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.ClipText;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.UNet2DCondition;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Trains U-Net and text encoder to take noise off latents (Ho et al. 2020, algorithm 1; Rombach et al. 2022, section 3.3), with
 * the velocity as what is predicted (Salimans and Ho 2022, appendix D).
 */
final class DiffusionStage {
    /** Pictures at most of a sheet on the way. */
    private static final int SHOWN = 40;

    private final TrainingRun run;
    private final Dataset dataset;
    private final ClipText text;
    private final UNet2DCondition unet;
    private final NoiseSchedule schedule;

    DiffusionStage(TrainingRun run, Dataset dataset) {
        this.run = run;
        this.dataset = dataset;
        DiffusersFolder model = DiffusersFolder.open(run.model());
        this.text = new ClipText(model.component("text_encoder"));
        this.unet = new UNet2DCondition(model.component("unet"));
        this.schedule = Artist.schedule(model);
    }

    /**
     * Trains until done or until the sitting is over. The model's folder is rewritten whenever pictures are drawn.
     *
     * @param encoder the text encoder's weights to begin with
     * @return whether it is done
     */
    boolean train(ClipTokenizer tokenizer, Latents latents, Map<String, Tensor> encoder) throws IOException {
        Settings settings = run.settings();
        int batch = settings.unet().batch();
        int c = unet.inChannels();
        int size = unet.sampleSize();
        int length = c * size * size;
        List<Sample> samples = dataset.samples(Sample.Use.LISTED);
        double[] cumulative = cumulativeWeights(samples);
        try (TrainingLoop loop = new TrainingLoop(run, "unet", settings.unet(), program(), encoder)) {
            while (loop.goesOn()) {
                Random random = loop.random();
                double power = 2 * loop.stepsDone() < settings.unet().steps()
                        ? settings.timestepPower()
                        : settings.laterTimestepPower();
                Minibatch noisy = new Minibatch(batch, length, tokenizer.maxLength());
                float[] timesteps = new float[batch];
                float[] velocities = new float[batch * length];
                for (int i = 0; i < batch; i++) {
                    Sample sample = samples.get(pick(cumulative, random));
                    boolean dropped = random.nextDouble() < settings.promptDropout();
                    String prompt = dropped ? "" : sample.caption(random);

                    // Forward noising: x_t = α x0 + σ ε, and the velocity v = α ε − σ x0.
                    int t = (int) (schedule.config().trainTimesteps() * Math.pow(random.nextDouble(), power));
                    float alpha = (float) Math.sqrt(schedule.alphaCumprod(t));
                    float sigma = (float) Math.sqrt(1 - schedule.alphaCumprod(t));
                    float[] x0 = latents.of(sample);
                    float[] epsilon = Gaussian.draw(random, length);
                    float[] x = new float[length];
                    for (int k = 0; k < length; k++) {
                        x[k] = alpha * x0[k] + sigma * epsilon[k];
                        velocities[i * length + k] = alpha * epsilon[k] - sigma * x0[k];
                    }
                    timesteps[i] = t;
                    noisy.set(i, x, tokenizer.encode(prompt));
                }

                // Prediction, loss (its mean squared error), backpropagation, update.
                try (NDManager scope = loop.newScope()) {
                    loop.step(
                            Learner.floats(scope, noisy.pictures(), batch, c, size, size),
                            Learner.floats(scope, timesteps, batch),
                            noisy.ids(scope),
                            Learner.floats(scope, velocities, batch, c, size, size));
                }

                // Sampling, to see how far it has got.
                if (loop.sheetDue()) {
                    write(loop.average());
                    try (Artist artist = new Artist(DiffusersFolder.open(run.model()))) {
                        List<EvaluationPrompt> prompts =
                                EvaluationSet.of(dataset).parts().get(0).prompts();
                        Sheet sheet = new Sheet(10);
                        for (int i = 0; i < prompts.size(); i += (prompts.size() + SHOWN - 1) / SHOWN) {
                            String prompt = prompts.get(i).text();
                            sheet.add(artist.draw(List.of(prompt), List.of(1L)).get(0), prompt);
                        }
                        sheet.write(run.work().resolve("sheets/unet-%06d.png".formatted(loop.stepsDone())));
                    }
                }
            }
            if (loop.finished()) {
                write(loop.average());
            }
            return loop.finished();
        }
    }

    /** What one step computes: {@code loss = mean (v − v_θ(x_t, t, text))²}. */
    private Program program() {
        int c = unet.inChannels();
        int size = unet.sampleSize();
        Program program = new Program(Program.Kernels.forTraining());
        Value x = program.input("x", 1, c, size, size);
        Value timestep = program.input("timestep", 1);
        Value ids = program.input("ids", 1, text.positions());
        Value velocity = program.input("velocity", 1, c, size, size);
        Value context = text.describe(program.at("text_encoder"), ids);
        Value predicted = unet.describe(program.at("unet"), x, timestep, context);
        program.method("forward", Loss.meanSquare(program, predicted, velocity), x, timestep, ids, velocity);
        return program;
    }

    private static double[] cumulativeWeights(List<Sample> samples) {
        double[] cumulative = samples.stream().mapToDouble(Sample::weight).toArray();
        Arrays.parallelPrefix(cumulative, Double::sum);
        return cumulative;
    }

    private static int pick(double[] cumulative, Random random) {
        int found = Arrays.binarySearch(cumulative, random.nextDouble() * cumulative[cumulative.length - 1]);
        return Math.min(found < 0 ? -found - 1 : found, cumulative.length - 1);
    }

    private void write(Map<String, Tensor> weights) throws IOException {
        ModelWriter.write(run.model().resolve("unet/diffusion_pytorch_model.safetensors"), "unet.", weights);
        ModelWriter.write(run.model().resolve("text_encoder/model.safetensors"), "text_encoder.", weights);
    }
}
