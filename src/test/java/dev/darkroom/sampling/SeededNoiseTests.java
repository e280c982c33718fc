package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Against torch 2.7.1: {@code torch.randn(n, generator=torch.Generator("cpu").manual_seed(seed))}, several calls in a row. */
class SeededNoiseTests {

    static Stream<Arguments> draws() {
        return Reference.read()
                .get("noise")
                .valueStream()
                .map(draw -> Arguments.argumentSet(
                        "seed %s, sizes %s".formatted(draw.get("seed"), draw.get("sizes")), draw));
    }

    @ParameterizedTest
    @MethodSource("draws")
    void drawsTheNumbersOfTorch(JsonNode draw) {
        SeededNoise noise = new SeededNoise(draw.get("seed").longValue());
        for (int call = 0; call < draw.get("sizes").size(); call++) {
            float[] z = noise.normal(draw.get("sizes").get(call).intValue());
            float[] tail = Reference.floats(draw.get("tails").get(call));
            assertThat(Arrays.copyOfRange(z, z.length - tail.length, z.length))
                    .as("the last numbers of call " + call)
                    .containsExactly(tail, offset(1e-6f));
        }
    }

    /** Published first values of {@code torch.randn}, known without running torch. */
    @Test
    void beginsWithThePublishedNumbersOfSeeds0And42() {
        assertThat(Arrays.copyOf(new SeededNoise(0).normal(1024), 4))
                .containsExactly(new float[] {-1.1258f, -1.1524f, -0.2506f, -0.4339f}, offset(5e-5f));
        assertThat(Arrays.copyOf(new SeededNoise(42).normal(1024), 4))
                .containsExactly(new float[] {1.9269f, 1.4873f, 0.9007f, -2.1055f}, offset(5e-5f));
    }

    @Test
    void looksAtTheLow32BitsOfTheSeedOnly() {
        assertThat(new SeededNoise((1L << 32) + 5).normal(32)).isEqualTo(new SeededNoise(5).normal(32));
        assertThat(new SeededNoise(6).normal(32)).isNotEqualTo(new SeededNoise(5).normal(32));
    }

    @Test
    void isNormal() {
        float[] z = new SeededNoise(1).normal(100_000);
        double sum = 0;
        double squares = 0;
        for (float value : z) {
            sum += value;
            squares += value * value;
        }
        assertThat(sum / z.length).isBetween(-0.02, 0.02);
        assertThat(squares / z.length).isBetween(0.98, 1.02);
    }

    @Test
    void goesOnWithTheSameNumbersOnceRestored() {
        SeededNoise noise = new SeededNoise(3);
        for (int n : new int[] {1, 2, 3, 16, 17, 1, 700, 5, 624, 15}) {
            Memory.Out out = new Memory.Out();
            noise.memory(out);
            SeededNoise restored = new SeededNoise(4);
            Memory.In in = new Memory.In(out.bytes(), 0);
            restored.memory(in);
            in.end();
            assertThat(restored.normal(n)).isEqualTo(noise.normal(n));
            assertThat(restored)
                    .usingRecursiveComparison()
                    .withEqualsForType(Double::equals, Double.class)
                    .isEqualTo(noise);
        }
    }
}
