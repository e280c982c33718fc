package dev.darkroom.weights;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.node.ObjectNode;

/** Collects tensors and writes them as one safetensors file. */
public final class SafetensorsWriter {

    private static final int ALIGNMENT = 8;

    private record Entry(String name, Tensor tensor, DType as) {
        long bytes() {
            return Math.multiplyExact(tensor.numel(), (long) as.bytes());
        }
    }

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));

    /**
     * Adds a tensor under its own name, to be read and converted when the file is written.
     *
     * @throws IllegalArgumentException if the name is taken
     */
    public SafetensorsWriter add(Tensor tensor, DType as) {
        return add(tensor.name(), tensor, as);
    }

    /** Adds a tensor under another name than its own. */
    public SafetensorsWriter add(String name, Tensor tensor, DType as) {
        if (name.equals(SafetensorsFile.METADATA) || entries.putIfAbsent(name, new Entry(name, tensor, as)) != null) {
            throw new IllegalArgumentException("tensor name \"" + name + "\" is taken");
        }
        return this;
    }

    /** Adds an array, row-major, which is not copied. */
    public SafetensorsWriter add(String name, DType as, long[] shape, float[] data) {
        return add(Tensor.of(name, data, shape), as);
    }

    /** Adds a line to the header's metadata, beside {@code format: pt}. */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /**
     * Writes the file: first beside it under another name, then moved, so that {@code file} is either what it was or
     * complete and on the disk.
     *
     * @throws IOException if it cannot be written; nothing is left behind then, nor when a tensor cannot be read
     */
    public void write(Path file) throws IOException {
        // Wider types first keeps every tensor aligned to its element, which torch's reader needs.
        List<Entry> inOrder = new ArrayList<>(entries.values());
        inOrder.sort(Comparator.comparing((Entry entry) -> entry.as().bytes()).reversed());
        Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            try (FileChannel channel =
                            FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
                    OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel))) {
                out.write(header(inOrder));
                for (Entry entry : inOrder) {
                    entry.tensor().writeTo(out, entry.as());
                }
                out.flush();
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private byte[] header(List<Entry> inOrder) {
        ObjectNode header = Json.MAPPER.createObjectNode();
        ObjectNode lines = header.putObject(SafetensorsFile.METADATA);
        metadata.forEach(lines::put);
        long offset = 0;
        for (Entry entry : inOrder) {
            ObjectNode line = header.putObject(entry.name());
            line.put("dtype", entry.as().name());
            line.set("shape", Json.MAPPER.valueToTree(entry.tensor().shape()));
            line.putArray("data_offsets").add(offset).add(offset += entry.bytes());
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(padded).put(json);
        while (bytes.hasRemaining()) {
            bytes.put((byte) ' ');
        }
        return bytes.array();
    }
}
