package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.Networks;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainerTests {
    @TempDir
    private Path work;

    /** Mean squared error of {@code w x + b}. */
    private static Program regression() {
        Program p = new Program();
        Value x = p.input("x", 1, 3);
        Value y = p.input("y", 1, 2);
        p.method("forward", Loss.meanSquare(p, p.linear("fit", x, 2), y), x, y);
        return p;
    }

    private static double fit(Learner learner, int steps, long seed) {
        Random random = new Random(seed);
        double loss = 0;
        for (int i = 0; i < steps; i++) {
            float[] x = new float[16 * 3];
            float[] y = new float[16 * 2];
            for (int k = 0; k < 16; k++) {
                for (int j = 0; j < 3; j++) {
                    x[3 * k + j] = (float) random.nextGaussian();
                }
                y[2 * k] = 2 * x[3 * k] - x[3 * k + 1] + 0.5f;
                y[2 * k + 1] = x[3 * k + 2];
            }
            try (NDManager scope = learner.newScope()) {
                loss = learner.step(0.02, Learner.floats(scope, x, 16, 3), Learner.floats(scope, y, 16, 2));
            }
        }
        return loss;
    }

    @Test
    void aLearnerFindsTheWeightsOfALinearMap() throws IOException {
        try (Learner learner = new Learner(regression(), Map.of(), work.resolve("none"), 1, 0.99)) {
            assertThat(fit(learner, 1, 1)).isGreaterThan(1);
            assertThat(fit(learner, 800, 2)).isLessThan(1e-3);
            float[] weight = learner.average().get("fit.weight").toFloats();
            assertThat(weight[0]).isBetween(1.9f, 2.1f);
            assertThat(weight[1]).isBetween(-1.1f, -0.9f);
        }
    }

    /** One step against the iteration as it is written down, X ← aX + b(XXᵀ)X + c(XXᵀ)²X, in double precision. */
    @Test
    void aMatrixIsMovedByItsOrthogonalisedGradient() throws IOException {
        int in = 7;
        int out = 3;
        Program p = new Program();
        Value x = p.input("x", 1, in);
        Value y = p.input("y", 1, out);
        p.method("forward", Loss.meanSquare(p, p.linear("fit", x, out), y), x, y);
        Random random = new Random(5);
        float[] weight = Gaussian.draw(random, out * in);
        float[] inputs = Gaussian.draw(random, 16 * in);
        float[] targets = Gaussian.draw(random, 16 * out);
        double[][] gradient = new double[out][in];
        for (int k = 0; k < 16; k++) {
            for (int o = 0; o < out; o++) {
                double error = -targets[k * out + o];
                for (int i = 0; i < in; i++) {
                    error += weight[o * in + i] * inputs[k * in + i];
                }
                for (int i = 0; i < in; i++) {
                    gradient[o][i] += error * inputs[k * in + i];
                }
            }
        }
        double norm = Math.sqrt(Arrays.stream(gradient)
                .flatMapToDouble(Arrays::stream)
                .map(g -> g * g)
                .sum());
        double[][] step = scaled(gradient, 1 / norm);
        for (int i = 0; i < 5; i++) {
            double[][] square = product(step, transposed(step));
            double[][] once = product(square, step);
            step = sum(sum(scaled(step, 3.4445), scaled(once, -4.775)), scaled(product(square, once), 2.0315));
        }

        Map<String, Tensor> known = Map.of("fit.weight", Tensor.of("fit.weight", weight, out, in));
        try (Learner learner = new Learner(p, known, work.resolve("none"), 1, 0);
                NDManager scope = learner.newScope()) {
            learner.step(0.1, Learner.floats(scope, inputs, 16, in), Learner.floats(scope, targets, 16, out));
            float[] moved = learner.average().get("fit.weight").toFloats();
            for (int k = 0; k < moved.length; k++) {
                double expected = weight[k] * (1 - 0.1 * 0.01) - 0.1 * 0.2 * Math.sqrt(in) * step[k / in][k % in];
                assertThat((double) moved[k]).isCloseTo(expected, within(1e-6));
            }
        }
    }

    private static double[][] product(double[][] a, double[][] b) {
        double[][] product = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    product[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return product;
    }

    private static double[][] transposed(double[][] a) {
        double[][] transposed = new double[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                transposed[j][i] = a[i][j];
            }
        }
        return transposed;
    }

    private static double[][] scaled(double[][] a, double by) {
        return Arrays.stream(a)
                .map(row -> Arrays.stream(row).map(value -> value * by).toArray())
                .toArray(double[][]::new);
    }

    private static double[][] sum(double[][] a, double[][] b) {
        double[][] sum = scaled(a, 1);
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                sum[i][j] = a[i][j] + b[i][j];
            }
        }
        return sum;
    }

    /** Every loss of a run by stage and step; stops like a killed process when that step of that stage is done. */
    private Map<String, Double> losses(Path work, Settings settings, String killedAt) throws IOException {
        Map<String, Double> losses = new TreeMap<>();
        TrainingRun run = new TrainingRun(work, settings, () -> false, report -> {
            String step = report.stage() + report.step();
            losses.put(step, report.loss());
            if (step.equals(killedAt)) {
                throw new IllegalStateException("killed");
            }
        });
        new Trainer(run, Handmade.dataset(work, settings, Handmade.CONCEPTS)).train();
        return losses;
    }

    private static Settings short_(int steps, int checkpointEvery) {
        Settings s = Settings.overfit();
        Settings.Phase phase = new Settings.Phase(steps, 4, 1e-3, 0.99, checkpointEvery, 1000);
        return new Settings(
                s.form(),
                s.size(),
                s.concepts(),
                s.pool(),
                s.seed(),
                phase,
                phase,
                phase,
                s.klWeight(),
                s.listedShare(),
                s.temperature(),
                s.planWeight(),
                s.regions(),
                s.timestepPower(),
                s.laterTimestepPower(),
                s.promptDropout());
    }

    @Test
    void aKilledRunGoesOnToTheLossesOfOneThatWasNot() throws IOException {
        Settings settings = short_(20, 8);
        Map<String, Double> through = losses(Files.createDirectory(work.resolve("through")), settings, "");
        assertThat(through).hasSize(60);

        Path killed = Files.createDirectory(work.resolve("killed"));
        Map<String, Double> all = new TreeMap<>();
        for (String kill : List.of("vae13", "clip18", "unet10")) {
            assertThatThrownBy(() -> losses(killed, settings, kill)).hasMessage("killed");
        }
        all.putAll(losses(killed, settings, ""));

        // The last sitting went on from the eighth step of the U-Net, after VAE and CLIP that went on from theirs.
        assertThat(all).hasSize(12).containsKeys("unet9", "unet20");
        assertThat(through).containsAllEntriesOf(all);
        assertThat(killed.resolve("model/vae/diffusion_pytorch_model.safetensors"))
                .hasSameBinaryContentAs(work.resolve("through/model/vae/diffusion_pytorch_model.safetensors"));
        assertThat(killed.resolve("model/unet/diffusion_pytorch_model.safetensors"))
                .hasSameBinaryContentAs(work.resolve("through/model/unet/diffusion_pytorch_model.safetensors"));
    }

    @Test
    void aSittingEndsWithACheckpointAndTwentyStepsLowerEveryLoss() throws IOException {
        Settings settings = short_(20, 10);
        List<Integer> steps = new ArrayList<>();
        TrainingRun first =
                new TrainingRun(work, settings, () -> steps.size() == 7, report -> steps.add(report.step()));
        assertThat(new Trainer(first, Handmade.dataset(work, settings, Handmade.CONCEPTS)).train())
                .isNull();

        Map<String, Double> losses = losses(work, settings, "");
        assertThat(losses).containsKeys("vae8", "unet20").doesNotContainKey("vae7");
        for (String stage : List.of("vae", "clip", "unet")) {
            assertThat(mean(losses, stage, 16)).as(stage).isLessThan(mean(losses, stage, stage.equals("vae") ? 8 : 1));
        }
        try (Artist artist = new Artist(DiffusersFolder.open(work.resolve("model")))) {
            assertThat(artist.draw(List.of("a ball"), List.of(3L)).get(0).size())
                    .isEqualTo(settings.size());
        }
    }

    /** Of five steps. */
    private static double mean(Map<String, Double> losses, String stage, int first) {
        return IntStream.range(first, first + 5)
                .mapToDouble(step -> losses.get(stage + step))
                .average()
                .orElseThrow();
    }

    /** The same training in twenty steps a stage is part of every build. */
    @Test
    @Tag("endurance")
    void eightPicturesAreLearntByHeart() throws IOException {
        Settings settings = Settings.overfit();
        TrainingRun run = new TrainingRun(work, settings, () -> false, report -> {});
        Dataset dataset = Handmade.dataset(work, settings, Handmade.CONCEPTS);
        assertThat(dataset.samples(Sample.Use.LISTED)).hasSize(8);
        Trainer trainer = new Trainer(run, dataset);
        Path folder = trainer.train();
        assertThat(folder).isNotNull();

        assertThat(lastLoss("clip")).isLessThan(0.1);
        assertThat(lastLoss("unet")).isLessThan(0.08);

        // What is drawn is nearer to the picture that was asked for than to any other.
        List<Sample> samples = dataset.samples(Sample.Use.LISTED);
        try (Artist artist = new Artist(DiffusersFolder.open(folder))) {
            for (Sample sample : samples) {
                Icon drawn = artist.draw(List.of(sample.title()), List.of(3L)).get(0);
                double own = drawn.meanSquare(sample.picture());
                for (Sample other : samples) {
                    assertThat(own)
                            .as("%s against %s", sample.title(), other.title())
                            .isLessThanOrEqualTo(drawn.meanSquare(other.picture()));
                }
                assertThat(VaeStage.psnr(own)).as(sample.title()).isGreaterThan(12);
            }
        }

        List<String> findings = new ArrayList<>();
        trainer.evaluate(work.resolve("none"), findings::add);
        assertThat(findings).anyMatch(line -> line.startsWith("trained, 32 drawn pictures (4 seeds): top-1"));
        assertThat(work.resolve("sheets/evaluation-trained.png")).exists();

        try (Networks networks = new Networks(DiffusersFolder.open(folder))) {
            // The VAE's latents are normalised over the pictures it was trained on.
            double sum = 0;
            double squares = 0;
            int count = 0;
            for (Sample sample : samples) {
                float[] moments = networks.encode(sample.picture().planes(), 1, dataset.size(), dataset.size());
                for (int k = 0; k < moments.length / 2; k++, count++) {
                    sum += moments[k];
                    squares += moments[k] * moments[k];
                }
            }
            assertThat(sum / count).isCloseTo(0, Offset.offset(0.02));
            assertThat(squares / count).isBetween(0.9, 1.1);
        }
    }

    private double lastLoss(String stage) throws IOException {
        double last = Double.NaN;
        for (String line : Files.readAllLines(work.resolve("log.jsonl"))) {
            JsonNode node = JsonMapper.shared().readTree(line);
            if (node.path("stage").asString().equals(stage) && node.has("loss")) {
                last = node.path("loss").asDouble();
            }
        }
        return last;
    }
}
