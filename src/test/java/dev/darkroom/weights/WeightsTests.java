package dev.darkroom.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightsTests {

    @TempDir
    Path folder;

    @Test
    void readsWhatTheFormatDescribes() throws IOException {
        Path file = file("""
                {"__metadata__":{"format":"pt"},
                 "a.half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},
                 "a.brain":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]},
                 "a.b.single":{"dtype":"F32","shape":[],"data_offsets":[8,12]},
                 "a.empty":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]},
                 "ab.x":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}  \
                """, bytes(0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x49, 0x40, 0, 0, 0x20, 0x40, 0, 0, 0, 0));
        try (Weights weights = Weights.open(file)) {
            assertThat(weights.names()).containsExactly("a.b.single", "a.brain", "a.empty", "a.half", "ab.x");
            assertThat(weights.tensor("a.half", 2).toFloats()).containsExactly(1, -2);
            assertThat(weights.tensor("a.brain", 1, 2).toFloats()).containsExactly(1, 3.140625f);
            assertThat(weights.tensor("a.empty", 0, 3).toFloats()).isEmpty();
            assertThat(weights.parameters()).isEqualTo(6);

            Weights scoped = weights.at("a");
            assertThat(scoped.names()).containsExactly("b.single", "brain", "empty", "half");
            assertThat(scoped.parameters()).isEqualTo(5);
            assertThat(scoped.has("half")).isTrue();
            assertThat(scoped.has("x")).isFalse();
            Tensor single = scoped.at("b").tensor("single");
            assertThat(single.toFloats()).containsExactly(2.5f);
            assertThat(single.name()).isEqualTo("a.b.single");
            assertThat(single.dtype()).isEqualTo(DType.F32);
            assertThat(single.shape()).isEmpty();
            assertThat(single.numel()).isEqualTo(1);
        }
    }

    @Test
    void stepsIntoNumberedParts() throws IOException {
        Path file = folder.resolve("x.safetensors");
        new SafetensorsWriter()
                .add("down_blocks.1.conv.weight", DType.F32, new long[] {2, 1}, new float[] {1, 2})
                .add("down_blocks.10.conv.weight", DType.F32, new long[] {1}, new float[] {3})
                .write(file);
        try (Weights weights = Weights.open(file)) {
            Weights block = weights.at("down_blocks").at(1);
            assertThat(block.names()).containsExactly("conv.weight");
            assertThat(block.tensor("conv.weight", 2, 1).toFloats()).containsExactly(1, 2);
        }
    }

    @Test
    void namesTheTensorThatIsMissingOrOfAnotherShape() throws IOException {
        Path file = folder.resolve("x.safetensors");
        new SafetensorsWriter()
                .add("conv_in.weight", DType.F16, new long[] {2, 1, 3, 1}, new float[6])
                .write(file);
        try (Weights weights = Weights.open(file)) {
            assertThatThrownBy(() -> weights.at("conv_in").tensor("weight", 2, 2, 3, 1))
                    .hasMessage(file + ": tensor \"conv_in.weight\": expected shape [2, 2, 3, 1], found [2, 1, 3, 1]");
            InvalidCheckpoint missing = catchThrowableOfType(
                    InvalidCheckpoint.class, () -> weights.at("conv_in").tensor("bias", 2));
            assertThat(missing)
                    .hasMessage(file + ": tensor \"conv_in.bias\": expected shape [2], found no tensor of that name");
            assertThat(missing.file()).isEqualTo(file);
            assertThat(missing.key()).contains("conv_in.bias");
            assertThat(missing.expected()).isEqualTo("shape [2]");
            assertThat(missing.found()).isEqualTo("no tensor of that name");
            assertThatThrownBy(() -> weights.tensor("conv_out.weight"))
                    .hasMessage(
                            file + ": tensor \"conv_out.weight\": expected the tensor, found no tensor of that name");
        }
    }

    @Test
    void listsTensorsOfOtherTypesButRefusesToReadThem() throws IOException {
        Path file = file("""
                {"position_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[4,20]},
                 "weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", new byte[20]);
        try (Weights weights = Weights.open(file)) {
            assertThat(weights.names()).containsExactly("position_ids", "weight");
            assertThat(weights.parameters()).isEqualTo(1);
            assertThatThrownBy(() -> weights.tensor("position_ids"))
                    .isInstanceOf(InvalidCheckpoint.class)
                    .hasMessage(file + ": tensor \"position_ids\": expected dtype [F32, F16, BF16], found I64");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]                            | JSON
            [1]                                                                             | object
            {} {}                                                                           | JSON
            {"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | Duplicate
            {"x":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}            | Duplicate
            {"__metadata__":{"a":1},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   | "__metadata__": expected an object of strings, found {"a":1}
            {"x":[0,8]}                                                                     | tensor "x": expected an object with dtype, shape, data_offsets, found [0,8]
            {"x":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}                          | tensor "x": expected a safetensors dtype, found "F33"
            {"x":{"shape":[2],"data_offsets":[0,8]}}                                        | tensor "x": expected a safetensors dtype, found nothing
            {"x":{"dtype":"F32","data_offsets":[0,8]}}                                      | tensor "x": expected shape to be an array of integers, found nothing
            {"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}                         | tensor "x": expected shape of non-negative integers, found [-2]
            {"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}                        | tensor "x": expected shape of non-negative integers, found [2.0]
            {"x":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}        | tensor "x": expected shape of non-negative integers, found [9223372036854775808]
            {"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}      | tensor "x": expected a shape whose size fits 63 bits, found shape [4294967296, 4294967296]
            {"x":{"dtype":"F32","shape":[2305843009213693954],"data_offsets":[0,8]}}        | tensor "x": expected a shape whose size fits 63 bits, found shape [2305843009213693954]
            {"x":{"dtype":"F32","shape":[2]}}                                               | tensor "x": expected data_offsets to be an array of integers, found nothing
            {"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}                          | tensor "x": expected data_offsets [begin, end] with begin <= end, found [8, 0]
            {"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}}                       | tensor "x": expected data_offsets [begin, end] with begin <= end, found [0, 8, 16]
            {"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}                         | tensor "x": expected data_offsets of non-negative integers, found [-8,0]
            {"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}                          | tensor "x": expected 12 bytes for F32 of shape [3], found 8 bytes in data_offsets [0, 8]
            {"x":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}}                           | tensor "x": expected a whole number of bytes for F4 of shape [3], found 8 bytes in data_offsets [0, 8]
            {"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}                         | tensor "x": expected data up to byte 12, found only 8 bytes of data in the file
            {"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}                          | tensor "x": expected data from byte 0 on, found a gap up to byte 4
            {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | tensor "x": expected data from byte 8 on, found an overlap from byte 4
            {"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}                          | expected 4 bytes of data, found 8 bytes, the last ones of no tensor
            """)
    void refusesAHeaderThatLies(String header, String message) throws IOException {
        Path file = file(header, new byte[8]);
        assertThatThrownBy(() -> Weights.open(file))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void refusesAHeaderThatIsNotUtf8() throws IOException {
        Path file = write(lengthField(4), bytes('{', '"', 0xff, 0xfe));
        assertThatThrownBy(() -> Weights.open(file))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(file + ": expected JSON in UTF-8, found bytes that are not UTF-8");
    }

    @Test
    void refusesAHeaderLengthThatCannotBe() throws IOException {
        assertInvalid(write(new byte[5]), "expected a header length of 8 bytes, found a file of 5 bytes");
        assertInvalid(write(new byte[0]), "expected a header length of 8 bytes, found a file of 0 bytes");
        assertInvalid(
                write(lengthField(-1)),
                "expected a header of at most 16777216 bytes, found length 18446744073709551615");
        assertInvalid(
                write(lengthField(16_777_217)), "expected a header of at most 16777216 bytes, found length 16777217");
        assertInvalid(
                write(lengthField(3), bytes('{', '}')), "expected a header of 3 bytes, found only 2 bytes in the file");
        assertInvalid(write(lengthField(2), bytes('{', '}')), "expected tensors, found none");
        assertInvalid(write(lengthField(0)), "expected a JSON object, found nothing");
    }

    @Test
    void refusesATruncatedFileWhereverItIsCut() throws IOException {
        Path whole = folder.resolve("whole.safetensors");
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {3}, new float[] {1, 2, 3})
                .add("b", DType.F16, new long[] {2}, new float[] {4, 5})
                .write(whole);
        byte[] bytes = Files.readAllBytes(whole);
        Path cut = folder.resolve("cut.safetensors");
        for (int length = 0; length < bytes.length; length++) {
            Files.write(cut, java.util.Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> Weights.open(cut)).isInstanceOf(InvalidCheckpoint.class);
        }
    }

    @Test
    void saysSoWhenTheFileIsCutWhileOpen() throws IOException {
        Path file = folder.resolve("x.safetensors");
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {3}, new float[] {1, 2, 3})
                .write(file);
        try (Weights weights = Weights.open(file)) {
            Tensor tensor = weights.tensor("a", 3);
            long size = Files.size(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(size - 1);
            }
            assertThatThrownBy(tensor::toFloats)
                    .isInstanceOf(InvalidCheckpoint.class)
                    .hasMessage(file + ": expected at least " + size + " bytes, found " + (size - 1) + " bytes");
        }
    }

    @Test
    void refusesAMissingFile() {
        Path file = folder.resolve("none.safetensors");
        assertThatThrownBy(() -> Weights.open(file))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(file + ": expected a safetensors file, found no such file");
        assertThat(catchThrowableOfType(InvalidCheckpoint.class, () -> Weights.open(file))
                        .key())
                .isEqualTo(Optional.empty());
    }

    @Test
    void cannotReadOnceClosed() throws IOException {
        Path file = folder.resolve("x.safetensors");
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {1}, new float[1])
                .write(file);
        Weights weights = Weights.open(file);
        Tensor tensor = weights.tensor("a");
        weights.close();
        assertThatThrownBy(tensor::toFloats).isInstanceOf(UncheckedIOException.class);
    }

    @Test
    void readsBehindTheFirstTwoGibibytes() throws IOException {
        long big = 3L << 30; // bytes of zeros that the file system does not store
        String header = """
                {"big":{"dtype":"F16","shape":[%d],"data_offsets":[0,%d]},
                 "last":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}}""".formatted(big / 2, big, big, big + 8);
        Path file = file(header, new byte[0]);
        long dataStart = Files.size(file);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.seek(dataStart + big - 2);
            sparse.write(bytes(0x00, 0x3c, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40));
        }
        try (Weights weights = Weights.open(file)) {
            assertThat(weights.tensor("last", 2).toFloats()).containsExactly(1, 2);
            assertThat(weights.parameters()).isEqualTo(big / 2 + 2);
            Tensor tensor = weights.tensor("big");
            Tail tail = new Tail();
            tensor.writeTo(tail, DType.F16);
            assertThat(tail.count).isEqualTo(big);
            assertThat(tail.last).containsExactly(0, 0, 0x00, 0x3c);
        }
    }

    @Test
    void refusesAnArrayLargerThanJavaHas() throws IOException {
        long bytes = (1L << 31) * 2;
        Path file = file(
                "{\"big\":{\"dtype\":\"F16\",\"shape\":[2147483648],\"data_offsets\":[0,%d]}}".formatted(bytes),
                new byte[0]);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(sparse.length() + bytes);
        }
        try (Weights weights = Weights.open(file)) {
            assertThatThrownBy(() -> weights.tensor("big").toFloats())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("tensor \"big\": 2147483648 elements do not fit one Java array");
        }
    }

    @Test
    void putsShardsTogether() throws IOException {
        shards("{\"metadata\":{\"total_size\":12},\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}");
        try (Weights weights = Weights.open(folder.resolve("x.safetensors.index.json"))) {
            assertThat(weights.names()).containsExactly("a", "b");
            assertThat(weights.tensor("a", 1).toFloats()).containsExactly(1);
            assertThat(weights.tensor("b", 2).toFloats()).containsExactly(2, 3);
            assertThat(weights.parameters()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"weight_map":{"a":"2.safetensors"}}     | index.json: tensor "a": expected the tensor in "2.safetensors", found no tensor of that name there
            {"weight_map":{"a":"3.safetensors"}}     | 3.safetensors: expected a safetensors file, found no such file
            {"weight_map":{"a":"../1.safetensors"}}  | tensor "a": expected a file name in the index's folder, found "../1.safetensors"
            {"weight_map":{"a":1}}                   | tensor "a": expected a file name in the index's folder, found 1
            {"weight_map":{"a":"1.safetensors","a":"2.safetensors"}} | Duplicate
            {"weight_map":{}}                        | "weight_map": expected an object of tensor names and file names, found an object
            {}                                       | "weight_map": expected an object of tensor names and file names, found nothing
            """)
    void refusesAnIndexThatDoesNotFitItsShards(String index, String message) throws IOException {
        shards(index);
        assertThatThrownBy(() -> Weights.open(folder.resolve("x.safetensors.index.json")))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessageContaining(message);
    }

    private void shards(String index) throws IOException {
        new SafetensorsWriter()
                .add("a", DType.F32, new long[] {1}, new float[] {1})
                .write(folder.resolve("1.safetensors"));
        new SafetensorsWriter()
                .add("b", DType.F16, new long[] {2}, new float[] {2, 3})
                .write(folder.resolve("2.safetensors"));
        Files.writeString(folder.resolve("x.safetensors.index.json"), index);
    }

    private static void assertInvalid(Path file, String message) {
        assertThatThrownBy(() -> Weights.open(file))
                .isInstanceOf(InvalidCheckpoint.class)
                .hasMessage(file + ": " + message);
    }

    private Path file(String header, byte[] data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return write(lengthField(json.length), json, data);
    }

    private Path write(byte[]... parts) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Stream.of(parts).forEach(bytes::writeBytes);
        return Files.write(folder.resolve("x.safetensors"), bytes.toByteArray());
    }

    private static byte[] lengthField(long length) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .array();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    /** Counts what is written and keeps the last four bytes. */
    private static final class Tail extends java.io.OutputStream {
        private long count;
        private final byte[] last = new byte[4];

        @Override
        public void write(int b) {
            throw new AssertionError("must write in chunks");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            count += length;
            System.arraycopy(bytes, offset + length - last.length, last, 0, last.length);
        }
    }
}
