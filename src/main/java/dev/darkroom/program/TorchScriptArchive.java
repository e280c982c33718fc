package dev.darkroom.program;

import dev.darkroom.program.Program.Parameter;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes a {@link Program} as the zip file that {@code torch::jit::load} reads: class text, a pickled tree of modules, and
 * raw data of tensors. Format: PyTorch {@code torch/csrc/jit/docs/serialization.md};
 * pickle protocol 2 as in CPython {@code Lib/pickletools.py}.
 */
final class TorchScriptArchive {
    private final @Nullable Function<Parameter, Tensor> weights;
    private final Map<String, Object> root;
    private final Map<String, String> classes = new LinkedHashMap<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Tensor> data = new ArrayList<>();
    private final Pickle pickle = new Pickle();

    /**
     * @param weights gives each of the program's parameters, checked for shape, to go into the archive as 32-bit floats; null
     *     for an archive without weights, whose parameters are single numbers until the method {@code setI} has been called
     *     for the parameter that is the program's <i>I</i>th
     */
    TorchScriptArchive(Program program, @Nullable Function<Parameter, Tensor> weights) {
        this.weights = weights;
        root = tree(program);
        String attributes = attributes(root);
        text.append("class Net(Module):\n").append(attributes);
        program.methods().forEach(text::append);
        if (weights == null) {
            int i = 0;
            for (Parameter parameter : program.parameters().values()) {
                text.append("""
                          def set%d(self: __torch__.Net,
                            x: Tensor) -> Tensor:
                            %s = %s
                            return x
                        """.formatted(i++, Program.path(parameter.name()), parameter.prepare()));
            }
        }
    }

    void write(OutputStream out) throws IOException {
        if (weights == null) {
            data.add(Tensor.of("placeholder", new float[1], 1));
        }
        pickle.start();
        module("Net", root);
        pickle.stop();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.setMethod(ZipOutputStream.STORED);
            entry(zip, "data.pkl", pickle.bytes());
            entry(zip, "code/__torch__.py", text.toString().getBytes(StandardCharsets.UTF_8));
            entry(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
            entry(zip, "version", "6\n".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < data.size(); i++) {
                tensor(zip, "data/" + i, data.get(i));
            }
        }
    }

    // ---- the tree of modules: an inner node is a Map<String, Object>, a leaf a Parameter

    private static Map<String, Object> tree(Program program) {
        Map<String, Object> root = new TreeMap<>();
        for (Parameter parameter : program.parameters().values()) {
            String[] path = parameter.name().split("\\.");
            Map<String, Object> node = root;
            for (int i = 0; i < path.length - 1; i++) {
                node = children(node.computeIfAbsent(path[i], k -> new TreeMap<String, Object>()));
            }
            node.put(path[path.length - 1], parameter);
        }
        return root;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> children(Object node) {
        return (Map<String, Object>) node;
    }

    private String attributes(Map<String, Object> node) {
        StringBuilder names = new StringBuilder();
        StringBuilder lines = new StringBuilder();
        node.forEach((name, child) -> {
            String type = "Tensor";
            if (child instanceof Parameter) {
                names.append('"').append(name).append("\", ");
            } else {
                type = "__torch__." + className(children(child));
            }
            lines.append(
                    Program.isIdentifier(name)
                            ? "  " + name + " : " + type + "\n"
                            : "  __annotations__[\"" + name + "\"] = " + type + "\n");
        });
        return "  __parameters__ = [" + names + "]\n  __buffers__ = []\n  training : bool\n" + lines;
    }

    /** Nodes of the same form share one class; children's classes stand before those that use them. */
    private String className(Map<String, Object> node) {
        String attributes = attributes(node);
        String known = classes.get(attributes);
        if (known != null) {
            return known;
        }
        String name = "C" + classes.size();
        classes.put(attributes, name);
        text.append("class ").append(name).append("(Module):\n").append(attributes);
        return name;
    }

    private void module(String className, Map<String, Object> node) {
        pickle.object("__torch__", className);
        node.forEach((name, child) -> {
            pickle.string(name);
            if (child instanceof Parameter parameter) {
                if (weights != null) {
                    pickle.tensor(data.size(), parameter.shape());
                    data.add(weights.apply(parameter));
                } else {
                    pickle.tensor(0, 1);
                }
            } else {
                module(className(children(child)), children(child));
            }
        });
        pickle.string("training");
        pickle.bool(false);
        pickle.endObject();
    }

    // ---- zip

    private static void entry(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        begin(zip, name, bytes.length, crc.getValue());
        zip.write(bytes);
        zip.closeEntry();
    }

    private static void tensor(ZipOutputStream zip, String name, Tensor tensor) throws IOException {
        CRC32 crc = new CRC32();
        tensor.writeTo(new CrcStream(crc), DType.F32);
        begin(zip, name, tensor.numel() * DType.F32.bytes(), crc.getValue());
        tensor.writeTo(zip, DType.F32);
        zip.closeEntry();
    }

    private static void begin(ZipOutputStream zip, String name, long size, long crc) throws IOException {
        ZipEntry entry = new ZipEntry("net/" + name);
        entry.setTime(0);
        entry.setSize(size);
        entry.setCompressedSize(size);
        entry.setCrc(crc);
        zip.putNextEntry(entry);
    }

    private static final class CrcStream extends OutputStream {
        private final CRC32 crc;

        CrcStream(CRC32 crc) {
            this.crc = crc;
        }

        @Override
        public void write(int b) {
            crc.update(b);
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            crc.update(bytes, from, length);
        }
    }

    // ---- pickle

    private static final class Pickle {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        byte[] bytes() {
            return out.toByteArray();
        }

        void start() {
            out.write(0x80);
            out.write(2);
        }

        void stop() {
            out.write('.');
        }

        /** An instance without constructor arguments whose state follows as key, value, key, value … */
        void object(String module, String name) {
            global(module, name);
            out.write(')');
            out.write(0x81);
            out.write('}');
            out.write('(');
        }

        void endObject() {
            out.write('u');
            out.write('b');
        }

        void bool(boolean value) {
            out.write(value ? 0x88 : 0x89);
        }

        void string(String value) {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            out.write('X');
            int32(bytes.length);
            out.writeBytes(bytes);
        }

        /** {@code torch._utils._rebuild_tensor_v2((…storage…), 0, shape, strides, False, OrderedDict())} */
        void tensor(int key, long... shape) {
            global("torch._utils", "_rebuild_tensor_v2");
            out.write('(');
            out.write('(');
            string("storage");
            global("torch", "FloatStorage");
            string(Integer.toString(key));
            string("cpu");
            integer(Arrays.stream(shape).reduce(1, Math::multiplyExact));
            out.write('t');
            out.write('Q');
            integer(0);
            long[] strides = new long[shape.length];
            long stride = 1;
            for (int i = shape.length - 1; i >= 0; i--) {
                strides[i] = stride;
                stride *= shape[i];
            }
            integers(shape);
            integers(strides);
            bool(false);
            global("collections", "OrderedDict");
            out.write(')');
            out.write('R');
            out.write('t');
            out.write('R');
        }

        private void global(String module, String name) {
            out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
        }

        private void integers(long[] values) {
            out.write('(');
            for (long value : values) {
                integer(value);
            }
            out.write('t');
        }

        private void integer(long value) {
            if (value >= Integer.MIN_VALUE && value <= Integer.MAX_VALUE) {
                out.write('J');
                int32((int) value);
            } else {
                out.write(0x8a); // LONG1
                out.write(8);
                out.writeBytes(ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array());
            }
        }

        private void int32(int value) {
            out.writeBytes(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(value)
                    .array());
        }
    }
}
