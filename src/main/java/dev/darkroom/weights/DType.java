package dev.darkroom.weights;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** The element types weights are read and written in; the constants' names are the safetensors names. */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4) {
        @Override
        void decode(ByteBuffer from, float[] to, int offset, int count) {
            from.asFloatBuffer().get(to, offset, count);
            from.position(from.position() + count * Float.BYTES);
        }

        @Override
        void encode(float[] from, int offset, int count, ByteBuffer to) {
            to.asFloatBuffer().put(from, offset, count);
            to.position(to.position() + count * Float.BYTES);
        }
    },
    /** IEEE 754 binary16. */
    F16(2) {
        @Override
        void decode(ByteBuffer from, float[] to, int offset, int count) {
            for (int i = offset; i < offset + count; i++) {
                to[i] = halfToFloat(from.getShort());
            }
        }

        @Override
        void encode(float[] from, int offset, int count, ByteBuffer to) {
            for (int i = offset; i < offset + count; i++) {
                to.putShort(floatToHalf(from[i]));
            }
        }
    },
    /** The upper half of a binary32 (bfloat16). */
    BF16(2) {
        @Override
        void decode(ByteBuffer from, float[] to, int offset, int count) {
            for (int i = offset; i < offset + count; i++) {
                to[i] = Float.intBitsToFloat(from.getShort() << 16);
            }
        }

        @Override
        void encode(float[] from, int offset, int count, ByteBuffer to) {
            for (int i = offset; i < offset + count; i++) {
                to.putShort(floatToBfloat(from[i]));
            }
        }
    };

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    static Optional<DType> of(String name) {
        return Arrays.stream(values())
                .filter(dtype -> dtype.name().equals(name))
                .findFirst();
    }

    /** Size of one element. */
    public int bytes() {
        return bytes;
    }

    /** Takes {@code count} elements from a little-endian buffer; exact. */
    abstract void decode(ByteBuffer from, float[] to, int offset, int count);

    /** Puts {@code count} elements into a little-endian buffer, rounded to nearest, ties to even. */
    abstract void encode(float[] from, int offset, int count, ByteBuffer to);

    static float halfToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int exponent = (half >>> 10) & 0x1f;
        int fraction = half & 0x3ff;
        if (exponent == 0) { // zero or subnormal: fraction · 2^-24, which binary32 holds exactly
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(fraction * 0x1p-24f));
        }
        int widened = exponent == 0x1f ? 0xff : exponent - 15 + 127;
        return Float.intBitsToFloat(sign | widened << 23 | fraction << 13);
    }

    static short floatToHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fff_ffff;
        if (magnitude > 0x7f80_0000) {
            int payload = magnitude >>> 13 & 0x3ff;
            return (short) (sign | 0x7c00 | (payload == 0 ? 0x200 : payload));
        }
        if (magnitude >= 0x4780_0000) { // 2^16 and up, infinity included
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x3880_0000) { // below 2^-14: a float in [0.5, 1) has the unit 2^-24, so adding 0.5 rounds
            float rounded = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(0.5f));
        }
        int rebased = magnitude - ((127 - 15) << 23);
        return (short) (sign | roundToEven(rebased, 13)); // a carry out of the largest exponent gives infinity
    }

    private static short floatToBfloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fff_ffff) > 0x7f80_0000) {
            int truncated = bits >>> 16;
            return (short) ((truncated & 0x7f) == 0 ? truncated | 0x40 : truncated);
        }
        return (short) roundToEven(bits, 16);
    }

    /** Drops the lowest bits of an unsigned number, to nearest, ties to even. */
    private static int roundToEven(int bits, int drop) {
        int half = (1 << drop - 1) - 1;
        int odd = bits >>> drop & 1;
        return (bits + half + odd) >>> drop;
    }
}
