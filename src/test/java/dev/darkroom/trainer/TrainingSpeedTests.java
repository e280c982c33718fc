package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The networks of the model in the jar at their batches, on eight pictures. */
@Tag("endurance")
class TrainingSpeedTests {
    private static final int STEPS = 60;
    private static final int SIDE = 2048;

    @Test
    void trainingDoesSixtyPercentOfTheOperationsThatMatrixProductsAloneDo(@TempDir Path work) throws IOException {
        double before = matrixProducts();
        Settings full = Settings.full();
        Settings few = new Settings(
                full.form(),
                full.size(),
                "",
                false,
                full.seed(),
                full.vae().withSteps(STEPS),
                new Settings.Phase(2, 8, 1e-3, 0.9, 10, 10),
                full.unet().withSteps(STEPS),
                full.klWeight(),
                full.listedShare(),
                full.temperature(),
                full.planWeight(),
                full.regions(),
                full.timestepPower(),
                full.laterTimestepPower(),
                full.promptDropout());
        Map<String, Trainer.Report> last = new TreeMap<>();
        TrainingRun run = new TrainingRun(work, few, () -> false, report -> last.put(report.stage(), report));
        new Trainer(run, Handmade.dataset(work, few, Handmade.CONCEPTS)).train();
        double products = Math.max(before, matrixProducts());
        for (String stage : new String[] {"vae", "unet"}) {
            Trainer.Report report = last.get(stage);
            System.out.printf(
                    Locale.ROOT,
                    "%s: %.1f samples/s, %.0f GFLOP/s; matrix products of 32-bit floats %.0f GFLOP/s; ratio %.2f%n",
                    stage,
                    report.samplesPerSecond(),
                    report.gflops(),
                    products,
                    report.gflops() / products);
            assertThat(report.gflops() / products).as(stage).isGreaterThanOrEqualTo(0.6);
        }
    }

    /** 10⁹ operations a second of square matrix products of 32-bit floats, the best of ten. */
    private static double matrixProducts() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray a = manager.randomUniform(-1, 1, new Shape(SIDE, SIDE), DataType.FLOAT32);
            double best = 0;
            for (int i = 0; i < 10; i++) {
                long start = System.nanoTime();
                try (NDArray product = a.matMul(a)) {
                    product.getFloat(0, 0);
                }
                best = Math.max(best, 2.0 * SIDE * SIDE * SIDE / (System.nanoTime() - start));
            }
            return best;
        }
    }
}
