package dev.darkroom.program;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.program.Program.Kernels;
import dev.darkroom.weights.Tensor;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Packed kernels against PyTorch's own, layer by layer. */
class KernelsTests {

    private static float[] noise(long n, int seed) {
        Random random = new Random(seed);
        float[] values = new float[(int) n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** The layer's answer to noise with the given kernels; its program is written for {@code described}, not {@code actual}. */
    private static float[] answer(
            Kernels kernels, BiFunction<Program, Value, Value> layer, long[] described, long[] actual) {
        Program program = new Program(kernels);
        Value x = program.input("x", described);
        program.method("forward", layer.apply(program, x), x);
        Function<Program.Parameter, Tensor> weights = parameter -> {
            float[] values = noise(parameter.size(), parameter.name().hashCode());
            double scale = 1 / Math.sqrt((double) parameter.size() / parameter.shape()[0]);
            for (int i = 0; i < values.length; i++) {
                values[i] *= (float) scale;
            }
            return Tensor.of(parameter.name(), values, parameter.shape());
        };
        try (Network network = Network.load(program, weights);
                NDManager scope = network.newScope()) {
            NDArray input = scope.create(noise(new Shape(actual).size(), 3)).reshape(actual);
            return network.call("forward", input).toFloatArray();
        }
    }

    private static double difference(BiFunction<Program, Value, Value> layer, long[] described, long[] actual) {
        float[] plain = answer(Kernels.PLAIN, layer, described, actual);
        float[] packed = answer(Kernels.of(Device.cpu()), layer, described, actual);
        assertThat(packed).hasSameSizeAs(plain);
        double difference = 0;
        double largest = 0;
        for (int i = 0; i < plain.length; i++) {
            difference = Math.max(difference, Math.abs(plain[i] - packed[i]));
            largest = Math.max(largest, Math.abs(plain[i]));
        }
        System.out.printf("maximum difference %.1e of the largest value%n", difference / largest);
        return difference / largest;
    }

    @ParameterizedTest(name = "{0} × {1} × {2}, {3} to {4} channels")
    @CsvSource({
        "1, 32, 32, 128, 128",
        "2, 32, 40, 160, 128",
        "3, 64, 64, 128, 192",
        "1, 33, 47, 128, 128",
        "2, 34, 5, 128, 128",
        "1, 1, 1, 128, 128"
    })
    void minimalFilteringGivesTheConvolution(int rows, int height, int width, int in, int out) {
        assertThat(difference((net, x) -> net.conv2d("conv", x, out, 3, 1, 1), new long[] {1, in, 64, 64}, new long[] {
                    rows, in, height, width
                }))
                .isLessThan(2e-5);
    }

    @ParameterizedTest(name = "kernel {0}, stride {1}, padding {2}")
    @CsvSource({"3, 1, 1", "3, 2, 1", "1, 1, 0", "3, 2, 0"})
    void reorderedWeightsGiveTheConvolution(int kernel, int stride, int padding) {
        assertThat(difference(
                        (net, x) -> net.conv2d("conv", x, 24, kernel, stride, padding),
                        new long[] {1, 16, 16, 16},
                        new long[] {3, 16, 10, 22}))
                .isLessThan(2e-6);
    }

    @Test
    void reorderedWeightsGiveTheLinearMap() {
        assertThat(difference(
                        (net, x) -> net.linear("second", net.linear("first", x, 96), 40, false),
                        new long[] {1, 77, 64},
                        new long[] {5, 30, 64}))
                .isLessThan(2e-6);
    }
}
