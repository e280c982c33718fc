package dev.darkroom.sampling;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * What a sampler remembers, on its way to bytes or back. Every method takes what a field holds and gives what it is to hold:
 * the same on the way out, what was stored on the way in. So one list of fields, in one order, does both. The format is that of {@link
 * SamplerState}.
 */
abstract sealed class Memory {

    /** A number from {@code least} to {@code most}. */
    abstract int integer(int value, int least, int most);

    abstract double number(double value);

    /** A fixed number of words, in place. */
    abstract void words(int[] words);

    /** A fixed number of values, in place. */
    abstract void floats(float[] values);

    /** As many values as there are latents; none before the first evaluation. */
    abstract float[] values(float[] values);

    /**
     * The elements of a list, {@code least} to {@code most}.
     *
     * @param element takes an element's fields through this memory
     * @param blank what it is given where there is none yet
     */
    final <T> void list(List<T> list, int least, int most, T blank, UnaryOperator<T> element) {
        int size = integer(list.size(), least, most);
        List<T> elements = new ArrayList<>();
        for (int j = 0; j < size; j++) {
            elements.add(element.apply(j < list.size() ? list.get(j) : blank));
        }
        list.clear();
        list.addAll(elements);
    }

    /** To bytes. */
    static final class Out extends Memory {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        byte[] bytes() {
            return bytes.toByteArray();
        }

        @Override
        int integer(int value, int least, int most) {
            bytes.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
            return value;
        }

        @Override
        double number(double value) {
            bytes.writeBytes(ByteBuffer.allocate(Double.BYTES).putDouble(value).array());
            return value;
        }

        @Override
        void words(int[] words) {
            ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES * words.length);
            buffer.asIntBuffer().put(words);
            bytes.writeBytes(buffer.array());
        }

        @Override
        void floats(float[] values) {
            ByteBuffer buffer = ByteBuffer.allocate(Float.BYTES * values.length);
            buffer.asFloatBuffer().put(values);
            bytes.writeBytes(buffer.array());
        }

        @Override
        float[] values(float[] values) {
            integer(values.length, 0, values.length);
            floats(values);
            return values;
        }
    }

    /** From bytes. Every method throws IllegalArgumentException if they hold something else, or end before. */
    static final class In extends Memory {
        private final ByteBuffer bytes;
        private final int length;

        /** @param length how many values an array of the sampler's has by now */
        In(byte[] bytes, int length) {
            this.bytes = ByteBuffer.wrap(bytes);
            this.length = length;
        }

        @Override
        int integer(int value, int least, int most) {
            int at = bytes.position();
            int found = need(Integer.BYTES).getInt();
            if (found < least || found > most) {
                String expected = least == most ? "" + least : least + " to " + most;
                throw unexpected("%s at byte %d of its memory".formatted(expected, at), found);
            }
            return found;
        }

        @Override
        double number(double value) {
            return need(Double.BYTES).getDouble();
        }

        @Override
        void words(int[] words) {
            need(Integer.BYTES * (long) words.length).asIntBuffer().get(words);
            bytes.position(bytes.position() + Integer.BYTES * words.length);
        }

        @Override
        void floats(float[] values) {
            need(Float.BYTES * (long) values.length).asFloatBuffer().get(values);
            bytes.position(bytes.position() + Float.BYTES * values.length);
        }

        @Override
        float[] values(float[] values) {
            float[] found = new float[integer(values.length, length, length)];
            floats(found);
            return found;
        }

        /** Checks that nothing is left. */
        void end() {
            if (bytes.hasRemaining()) {
                throw unexpected(bytes.position() + " bytes of memory", bytes.limit());
            }
        }

        private ByteBuffer need(long count) {
            if (bytes.remaining() < count) {
                throw unexpected("at least %d bytes of memory".formatted(bytes.position() + count), bytes.limit());
            }
            return bytes;
        }
    }

    static IllegalArgumentException unexpected(Object expected, Object found) {
        return new IllegalArgumentException("sampler state: expected %s, found %s".formatted(expected, found));
    }
}
