package dev.darkroom.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * One open safetensors file: eight bytes header length, a JSON header, the tensors' bytes. Everything the header claims
 * is checked on opening (the format's description in the safetensors repository, README: "Format" and "Benefits").
 *
 * <p>Elements are read at their position in the file rather than mapped: no 2 GiB limit, and a file that is cut off
 * while it is open gives an error instead of ending the process.
 */
final class SafetensorsFile implements AutoCloseable {

    static final String METADATA = "__metadata__";

    /** Bits an element, for every type the format knows; those of {@link DType} can be read. */
    private static final Map<String, Integer> BITS = Map.ofEntries(
            Map.entry("BOOL", 8),
            Map.entry("F4", 4),
            Map.entry("F6_E2M3", 6),
            Map.entry("F6_E3M2", 6),
            Map.entry("U8", 8),
            Map.entry("I8", 8),
            Map.entry("F8_E5M2", 8),
            Map.entry("F8_E4M3", 8),
            Map.entry("F8_E8M0", 8),
            Map.entry("I16", 16),
            Map.entry("U16", 16),
            Map.entry("F16", 16),
            Map.entry("BF16", 16),
            Map.entry("I32", 32),
            Map.entry("U32", 32),
            Map.entry("F32", 32),
            Map.entry("C64", 64),
            Map.entry("F64", 64),
            Map.entry("I64", 64),
            Map.entry("U64", 64));

    /** One line of the header; offsets count from the first byte after it. */
    private record Entry(String name, String dtype, long[] shape, long begin, long end) {}

    private final Path path;
    private final FileChannel channel;
    private final SortedMap<String, Entry> entries = new TreeMap<>();
    private final long dataStart;

    SafetensorsFile(Path path) {
        this.path = path;
        if (!Files.isRegularFile(path)) {
            throw InvalidCheckpoint.ofFile(path, "a safetensors file", OtherFile.missing(path));
        }
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw failed(e);
        }
        try {
            long size = channel.size();
            int headerLength = headerLength(size);
            dataStart = Long.BYTES + headerLength;
            parse(headerLength);
            checkCoverage(size - dataStart);
        } catch (IOException e) {
            close();
            throw failed(e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Names of all tensors, of readable types or not. */
    Set<String> names() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    boolean has(String name) {
        return entries.containsKey(name);
    }

    boolean readable(String name) {
        return DType.of(entry(name).dtype()).isPresent();
    }

    long numel(String name) {
        return Tensor.numel(entry(name).shape());
    }

    /** @throws InvalidCheckpoint if the tensor's type is not one of {@link DType} */
    Tensor tensor(String name) {
        Entry entry = entry(name);
        DType dtype = DType.of(entry.dtype())
                .orElseThrow(() -> InvalidCheckpoint.ofTensor(
                        path, name, "dtype " + Arrays.toString(DType.values()), entry.dtype()));
        return new Tensor(name, dtype, entry.shape(), (position, into) -> {
            try {
                readFully(into, dataStart + entry.begin() + position);
            } catch (IOException e) {
                throw failed(e);
            }
        });
    }

    private Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw InvalidCheckpoint.ofTensor(path, name, "the tensor", "no tensor of that name");
        }
        return entry;
    }

    private int headerLength(long size) throws IOException {
        // Eight bytes that are a text would be a header of more than a million terabytes.
        OtherFile.found(path).or(() -> OtherFile.text(path)).ifPresent(found -> {
            throw InvalidCheckpoint.ofFile(path, "a safetensors file", found);
        });
        if (size < Long.BYTES) {
            throw InvalidCheckpoint.ofFile(path, "a header length of 8 bytes", "a file of " + size + " bytes");
        }
        ByteBuffer field = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(field, 0);
        long length = field.getLong(0);
        if (length < 0 || length > TextFile.MAX_BYTES) {
            throw InvalidCheckpoint.ofFile(
                    path,
                    "a header of at most " + TextFile.MAX_BYTES + " bytes",
                    "length " + Long.toUnsignedString(length));
        }
        if (length > size - Long.BYTES) {
            throw InvalidCheckpoint.ofFile(
                    path, "a header of " + length + " bytes", "only " + (size - Long.BYTES) + " bytes in the file");
        }
        return (int) length;
    }

    private void parse(int headerLength) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(headerLength);
        readFully(header, Long.BYTES);
        for (Map.Entry<String, JsonNode> property :
                Json.parse(path, text(header.flip())).properties()) {
            if (property.getKey().equals(METADATA)) {
                checkMetadata(property.getValue());
            } else {
                entries.put(property.getKey(), entry(property.getKey(), property.getValue()));
            }
        }
    }

    private String text(ByteBuffer utf8) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
        } catch (CharacterCodingException e) {
            throw InvalidCheckpoint.ofFile(path, "JSON in UTF-8", "bytes that are not UTF-8");
        }
    }

    private void checkMetadata(JsonNode metadata) {
        if (!metadata.isObject() || metadata.values().stream().anyMatch(value -> !value.isString())) {
            throw InvalidCheckpoint.ofKey(path, METADATA, "an object of strings", metadata.toString());
        }
    }

    private Entry entry(String name, JsonNode node) {
        if (!node.isObject()) {
            throw InvalidCheckpoint.ofTensor(path, name, "an object with dtype, shape, data_offsets", Json.kind(node));
        }
        JsonNode dtype = node.path("dtype");
        Integer bits = dtype.isString() ? BITS.get(dtype.stringValue()) : null;
        if (bits == null) {
            throw InvalidCheckpoint.ofTensor(path, name, "a safetensors dtype", Json.kind(dtype));
        }
        long[] shape = longs(name, "shape", node.path("shape"));
        long[] offsets = longs(name, "data_offsets", node.path("data_offsets"));
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw InvalidCheckpoint.ofTensor(
                    path, name, "data_offsets [begin, end] with begin <= end", Arrays.toString(offsets));
        }
        long bytes;
        try {
            long totalBits = Math.multiplyExact(Tensor.numel(shape), (long) bits);
            bytes = totalBits % 8 == 0 ? totalBits / 8 : -1;
        } catch (ArithmeticException e) {
            throw InvalidCheckpoint.ofTensor(
                    path, name, "a shape whose size fits 63 bits", "shape " + Arrays.toString(shape));
        }
        if (offsets[1] - offsets[0] != bytes) {
            String size = bytes < 0 ? "a whole number of" : String.valueOf(bytes);
            throw InvalidCheckpoint.ofTensor(
                    path,
                    name,
                    size + " bytes for " + dtype.stringValue() + " of shape " + Arrays.toString(shape),
                    offsets[1] - offsets[0] + " bytes in data_offsets " + Arrays.toString(offsets));
        }
        return new Entry(name, dtype.stringValue(), shape, offsets[0], offsets[1]);
    }

    private long[] longs(String name, String field, JsonNode node) {
        if (!node.isArray()) {
            throw InvalidCheckpoint.ofTensor(path, name, field + " to be an array of integers", Json.kind(node));
        }
        long[] longs = new long[node.size()];
        for (int i = 0; i < longs.length; i++) {
            JsonNode value = node.get(i);
            if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
                throw InvalidCheckpoint.ofTensor(path, name, field + " of non-negative integers", node.toString());
            }
            longs[i] = value.longValue();
        }
        return longs;
    }

    /** The tensors must cover the data exactly once: a hole or an overlap hides something or is damage. */
    private void checkCoverage(long dataLength) {
        List<Entry> inOrder = new ArrayList<>(entries.values());
        inOrder.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long covered = 0;
        for (Entry entry : inOrder) {
            if (entry.end() > dataLength) {
                throw InvalidCheckpoint.ofTensor(
                        path,
                        entry.name(),
                        "data up to byte " + entry.end(),
                        "only " + dataLength + " bytes of data in the file");
            }
            if (entry.begin() != covered) {
                throw InvalidCheckpoint.ofTensor(
                        path,
                        entry.name(),
                        "data from byte " + covered + " on",
                        (entry.begin() > covered ? "a gap up to byte " : "an overlap from byte ") + entry.begin());
            }
            covered = entry.end();
        }
        if (covered != dataLength) {
            throw InvalidCheckpoint.ofFile(
                    path, covered + " bytes of data", dataLength + " bytes, the last ones of no tensor");
        }
    }

    private void readFully(ByteBuffer into, long position) throws IOException {
        int start = into.position();
        while (into.hasRemaining()) {
            if (channel.read(into, position + into.position() - start) < 0) {
                throw InvalidCheckpoint.ofFile(
                        path, "at least " + (position + into.limit() - start) + " bytes", channel.size() + " bytes");
            }
        }
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(path + ": " + e, e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }
}
