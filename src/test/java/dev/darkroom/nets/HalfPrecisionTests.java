package dev.darkroom.nets;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Weights;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The U-Net as it is written for a GPU, with 16-bit weights, run on the processor. */
class HalfPrecisionTests {
    private static final int SIZE = 8;
    private static final int TOKENS = 7;

    @ParameterizedTest
    @ValueSource(strings = {"tiny-sd", "families/sdxl", "families/lcm"})
    void aUNetInHalfPrecisionIsCloseToItself(String folder) {
        DiffusersFolder checkpoint =
                DiffusersFolder.open(Path.of("src/test/resources").resolve(folder));
        try (Networks networks = new Networks(checkpoint)) {
            UNet2DCondition unet = networks.unet();
            Random random = new Random(1);
            float[] sample = normal(random, 2 * unet.inChannels() * SIZE * SIZE);
            float[] timesteps = {901, 17};
            long[] rows = {0, 0, 1};
            float[] context = normal(random, rows.length * TOKENS * unet.contextWidth());
            float[] added = normal(random, rows.length * unet.addedWidth());
            float[] expected = networks.denoiser().predict(sample, timesteps, rows, context, added, SIZE, SIZE);

            Program program = new Program(Program.Kernels.PLAIN, true);
            Value x = program.input("sample", 1, unet.inChannels(), SIZE, SIZE);
            Value t = program.input("timestep", 1);
            Value r = program.input("rows", 1);
            Value c = program.input("context", 1, TOKENS, unet.contextWidth());
            Value a = unet.addedWidth() == 0 ? null : program.input("added", 1, unet.addedWidth());
            List<Value> inputs = new ArrayList<>(List.of(x, t, r, c));
            if (a != null) {
                inputs.add(a);
            }
            program.method("forward", unet.describe(program, x, t, r, c, a), inputs.toArray(Value[]::new));
            try (Weights weights = checkpoint.component("unet").weights();
                    Network half = Network.load(
                            program, Device.cpu(), parameter -> weights.tensor(parameter.name(), parameter.shape()));
                    NDManager scope = half.newScope()) {
                List<NDArray> arrays = new ArrayList<>(List.of(
                        floats(scope, sample, 2, unet.inChannels(), SIZE, SIZE),
                        floats(scope, timesteps, 2),
                        scope.create(LongBuffer.wrap(rows), new Shape(rows.length), DataType.INT64),
                        floats(scope, context, rows.length, TOKENS, unet.contextWidth())));
                if (a != null) {
                    arrays.add(floats(scope, added, rows.length, unet.addedWidth()));
                }
                NDArray answer = half.call("forward", arrays.toArray(NDArray[]::new));
                assertThat(answer.getDataType()).isEqualTo(DataType.FLOAT32);
                float[] found = answer.toFloatArray();
                double difference = 0;
                double largest = 0;
                for (int i = 0; i < expected.length; i++) {
                    difference = Math.max(difference, Math.abs(found[i] - expected[i]));
                    largest = Math.max(largest, Math.abs(expected[i]));
                }
                System.out.printf("half precision, %s: %.1e of the largest value%n", folder, difference / largest);
                assertThat(difference / largest).isBetween(1e-7, 1e-2);
            }
        }
    }

    private static float[] normal(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static NDArray floats(NDManager scope, float[] values, long... shape) {
        return scope.create(FloatBuffer.wrap(values), new Shape(shape), DataType.FLOAT32);
    }
}
