package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import dev.darkroom.model.Networks;
import dev.darkroom.model.Program;
import dev.darkroom.model.Value;
import dev.darkroom.weights.DiffusersFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTests {
    private static final String CONCEPTS = "ball | a ball | red | blue\nbrick | a brick | grey\n";

    @TempDir
    private Path work;

    /** Mean squared error of {@code w x + b}. */
    private static Program regression() {
        Program p = new Program();
        Value x = p.input("x", 1, 3);
        Value y = p.input("y", 1, 2);
        Value e = p.let("torch.sub(" + p.linear("fit", x, 2).name() + ", y)", 1, 2);
        p.method("forward", p.let("torch.mean(torch.mul(" + e.name() + ", " + e.name() + "))"), x, y);
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
        try (Learner learner = new Learner(regression(), Map.of(), work.resolve("none"), work.resolve("compiled"), 1)) {
            assertThat(fit(learner, 1, 1)).isGreaterThan(1);
            assertThat(fit(learner, 800, 2)).isLessThan(1e-3);
            float[] weight = learner.average().get("fit.weight").toFloats();
            assertThat(weight[0]).isBetween(1.9f, 2.1f);
            assertThat(weight[1]).isBetween(-1.1f, -0.9f);
        }
    }

    @Test
    void aResumedLearnerGoesOnAsIfItHadNotStopped() throws IOException {
        Path checkpoint = work.resolve("checkpoint.safetensors");
        float[] through;
        try (Learner learner = new Learner(regression(), Map.of(), work.resolve("none"), work.resolve("compiled"), 1)) {
            fit(learner, 20, 3);
            learner.save(checkpoint);
            fit(learner, 20, 4);
            through = learner.average().get("fit.weight").toFloats();
        }
        try (Learner learner = new Learner(regression(), Map.of(), checkpoint, work.resolve("compiled"), 1)) {
            assertThat(learner.step()).isEqualTo(20);
            fit(learner, 20, 4);
            assertThat(learner.average().get("fit.weight").toFloats()).isEqualTo(through);
        }
    }

    @Test
    void aShortTrainingWritesAFolderThatLoads() throws IOException {
        Dataset dataset = Dataset.prepare(work, IconSetTests.handmade(), CONCEPTS);
        Path folder = Trainer.train(
                work, dataset, Duration.ofSeconds(4), Duration.ofSeconds(4), (stage, f, step, s, l) -> {});
        try (Networks networks = new Networks(DiffusersFolder.open(folder))) {
            // The VAE's latents are normalised over the pictures it was trained on.
            double sum = 0;
            double squares = 0;
            int count = 0;
            for (int i = 0; i < dataset.size(); i++) {
                float[] moments = networks.encode(dataset.image(i), 1, Dataset.SIZE, Dataset.SIZE);
                for (int k = 0; k < moments.length / 2; k++, count++) {
                    sum += moments[k];
                    squares += moments[k] * moments[k];
                }
            }
            assertThat(sum / count).isBetween(-0.02, 0.02);
            assertThat(squares / count).isBetween(0.9, 1.1);
        }
        assertThat(work.resolve("contact.png")).exists();
        assertThat(work.resolve("unet.checkpoint.safetensors")).exists();
    }
}
