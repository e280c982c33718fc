package dev.darkroom.weights;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A named array of weights, in a checkpoint file or in memory. Its elements are read when asked for, never kept. */
public final class Tensor {

    private static final int CHUNK_ELEMENTS = 1 << 18;

    /** Where the little-endian elements come from. */
    @FunctionalInterface
    interface Elements {
        /** Fills {@code into} up to its limit with the bytes from {@code position} of the tensor on. */
        void read(long position, ByteBuffer into);
    }

    private final String name;
    private final DType dtype;
    private final long[] shape;
    private final long numel;
    private final Elements elements;

    Tensor(String name, DType dtype, long[] shape, Elements elements) {
        this.name = name;
        this.dtype = dtype;
        this.shape = shape.clone();
        this.numel = numel(shape);
        this.elements = elements;
    }

    /**
     * A tensor in memory, {@link DType#F32}; the array is not copied.
     *
     * @throws IllegalArgumentException if the shape does not hold exactly the data's length
     */
    public static Tensor of(String name, float[] data, long... shape) {
        if (numel(shape) != data.length) {
            throw new IllegalArgumentException("tensor \"" + name + "\": shape " + Arrays.toString(shape) + " holds "
                    + numel(shape) + " elements, given: " + data.length);
        }
        return new Tensor(
                name,
                DType.F32,
                shape,
                (position, into) ->
                        DType.F32.encode(data, (int) (position / Float.BYTES), into.remaining() / Float.BYTES, into));
    }

    /** The full name in the checkpoint, for example {@code down_blocks.0.resnets.0.conv1.weight}. */
    public String name() {
        return name;
    }

    public DType dtype() {
        return dtype;
    }

    /** The extents, outermost first; empty for a scalar. */
    public long[] shape() {
        return shape.clone();
    }

    /** Number of elements. */
    public long numel() {
        return numel;
    }

    /**
     * All elements in row-major order; exact for every {@link DType}.
     *
     * @throws IllegalStateException if there are more than an array can hold; {@link #writeTo} has no such limit
     */
    public float[] toFloats() {
        if (numel > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException(
                    "tensor \"" + name + "\": " + numel + " elements do not fit one Java array");
        }
        float[] floats = new float[(int) numel];
        ByteBuffer chunk = chunk(dtype);
        for (int from = 0; from < floats.length; from += CHUNK_ELEMENTS) {
            int count = Math.min(CHUNK_ELEMENTS, floats.length - from);
            dtype.decode(read(from, count, chunk), floats, from, count);
        }
        return floats;
    }

    /**
     * Puts all elements into a buffer in row-major order, as 32-bit floats; exact for every {@link DType}.
     *
     * @param into little-endian, with room for {@link #numel} floats
     */
    public void read(ByteBuffer into) {
        if (dtype == DType.F32) {
            int end = into.limit();
            into.limit(Math.toIntExact(into.position() + numel * Float.BYTES));
            elements.read(0, into);
            into.limit(end);
            return;
        }
        ByteBuffer in = chunk(dtype);
        float[] floats = new float[(int) Math.min(CHUNK_ELEMENTS, numel)];
        for (long from = 0; from < numel; from += CHUNK_ELEMENTS) {
            int count = (int) Math.min(CHUNK_ELEMENTS, numel - from);
            dtype.decode(read(from, count, in), floats, 0, count);
            DType.F32.encode(floats, 0, count, into);
        }
    }

    /**
     * Writes all elements in row-major order, little-endian, a chunk at a time. Narrowing rounds to nearest, ties to even;
     * what is too large for {@link DType#F16} becomes infinite.
     */
    public void writeTo(OutputStream out, DType as) throws IOException {
        ByteBuffer in = chunk(dtype);
        ByteBuffer converted = chunk(as);
        float[] floats = new float[as == dtype ? 0 : (int) Math.min(CHUNK_ELEMENTS, numel)];
        for (long from = 0; from < numel; from += CHUNK_ELEMENTS) {
            int count = (int) Math.min(CHUNK_ELEMENTS, numel - from);
            read(from, count, in);
            if (as == dtype) {
                out.write(in.array(), 0, in.limit());
            } else {
                dtype.decode(in, floats, 0, count);
                as.encode(floats, 0, count, converted.clear());
                out.write(converted.array(), 0, converted.position());
            }
        }
    }

    private ByteBuffer read(long from, int count, ByteBuffer into) {
        elements.read(from * dtype.bytes(), into.clear().limit(count * dtype.bytes()));
        return into.flip();
    }

    private ByteBuffer chunk(DType of) {
        return ByteBuffer.allocate((int) Math.min(CHUNK_ELEMENTS, numel) * of.bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Product of the extents.
     *
     * @throws ArithmeticException if it does not fit a long
     */
    static long numel(long[] shape) {
        if (Arrays.stream(shape).anyMatch(extent -> extent == 0)) {
            return 0;
        }
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    @Override
    public String toString() {
        return name + " " + dtype + " " + Arrays.toString(shape);
    }
}
