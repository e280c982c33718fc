package dev.darkroom.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTests {

    @TempDir
    Path folder;

    @Test
    void whatIsWrittenReadsBack() throws IOException {
        SplittableRandom random = new SplittableRandom(7);
        float[] large = new float[3 * 200_001]; // more than one chunk, and an odd count before a wider type
        for (int i = 0; i < large.length; i++) {
            large[i] = (float) random.nextDouble(-2, 2);
        }
        Path first = folder.resolve("first.safetensors");
        new SafetensorsWriter()
                .add("half", DType.F16, new long[] {3, 200_001}, large)
                .add("brain", DType.BF16, new long[] {3, 200_001}, large)
                .add("single", DType.F32, new long[] {200_001, 3}, large)
                .add("scalar", DType.F32, new long[] {}, new float[] {42})
                .write(first);
        Path second = folder.resolve("second.safetensors");
        try (Weights weights = Weights.open(first)) {
            assertThat(weights.tensor("single", 200_001, 3).toFloats()).isEqualTo(large);
            assertThat(weights.tensor("scalar").toFloats()).containsExactly(42);
            float[] halves = weights.tensor("half", 3, 200_001).toFloats();
            float[] brains = weights.tensor("brain", 3, 200_001).toFloats();
            for (int i = 0; i < large.length; i++) {
                assertThat(Math.abs(halves[i] - large[i])).isLessThanOrEqualTo(0x1p-11f);
                assertThat(Math.abs(brains[i] - large[i])).isLessThanOrEqualTo(0x1p-8f);
            }

            new SafetensorsWriter()
                    .add(weights.tensor("half"), DType.F32)
                    .add("renamed", weights.tensor("single"), DType.F16)
                    .write(second);
            try (Weights converted = Weights.open(second)) {
                assertThat(converted.tensor("half", 3, 200_001).toFloats()).isEqualTo(halves);
                assertThat(converted.tensor("renamed", 200_001, 3).toFloats()).isEqualTo(halves);
            }
        }
    }

    @Test
    void alignsTheDataAndEveryTensorInIt() throws IOException {
        Path file = folder.resolve("x.safetensors");
        new SafetensorsWriter()
                .add("a", DType.F16, new long[] {1}, new float[] {1})
                .add("b", DType.F32, new long[] {1}, new float[] {2})
                .metadata("step", "12")
                .write(file);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        long headerLength = bytes.getLong();
        assertThat(headerLength % 8).isZero();
        assertThat(new String(bytes.array(), 8, (int) headerLength, StandardCharsets.UTF_8).stripTrailing())
                .isEqualTo("{\"__metadata__\":{\"format\":\"pt\",\"step\":\"12\"},"
                        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        + "\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[4,6]}}");
        assertThat(bytes.limit()).isEqualTo(8 + headerLength + 6);
    }

    @Test
    void leavesNothingBehindWhenASourceThrows() throws IOException {
        Path source = folder.resolve("source.safetensors");
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {2}, new float[] {1, 2})
                .write(source);
        Path old = folder.resolve("old.safetensors");
        Files.writeString(old, "as it was");
        SafetensorsWriter writer = new SafetensorsWriter();
        try (Weights weights = Weights.open(source)) {
            writer.add(weights.tensor("a"), DType.F32);
        }
        assertThatThrownBy(() -> writer.write(old)).isInstanceOf(UncheckedIOException.class);
        assertThat(old).hasContent("as it was");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(source, old);
        }
    }

    @Test
    void replacesAnOlderFile() throws IOException {
        Path file = folder.resolve("x.safetensors");
        Files.writeString(file, "as it was");
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {1}, new float[] {1})
                .write(file);
        try (Weights weights = Weights.open(file)) {
            assertThat(weights.names()).containsExactly("a");
        }
    }

    @Test
    void refusesANameTwiceAndAShapeThatDoesNotFit() {
        SafetensorsWriter writer = new SafetensorsWriter().add("a", DType.F32, new long[] {1}, new float[1]);
        assertThatThrownBy(() -> writer.add("a", DType.F32, new long[] {1}, new float[1]))
                .hasMessage("tensor name \"a\" is taken");
        assertThatThrownBy(() -> writer.add("__metadata__", DType.F32, new long[] {1}, new float[1]))
                .hasMessage("tensor name \"__metadata__\" is taken");
        assertThatThrownBy(() -> writer.add("b", DType.F32, new long[] {2, 3}, new float[5]))
                .hasMessage("tensor \"b\": shape [2, 3] holds 6 elements, given: 5");
    }
}
