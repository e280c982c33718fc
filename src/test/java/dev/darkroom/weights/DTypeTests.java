package dev.darkroom.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DTypeTests {

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everySixteenBitPatternSurvivesTheWayThroughFloat(DType dtype) {
        for (int bits = 0; bits < 0x10000; bits++) {
            float value = decode(dtype, bits);
            assertThat(encode(dtype, value)).isEqualTo(bits);
        }
    }

    @Test
    void halvesHaveTheValuesOfTheirFormula() {
        for (int bits = 0; bits < 0x7c00; bits++) {
            int exponent = bits >> 10;
            int fraction = bits & 0x3ff;
            double value =
                    exponent == 0 ? fraction * Math.pow(2, -24) : (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
            assertThat((double) decode(DType.F16, bits)).isEqualTo(value);
            assertThat((double) decode(DType.F16, bits | 0x8000)).isEqualTo(-value);
        }
        assertThat(decode(DType.F16, 0x7c00)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(decode(DType.F16, 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(decode(DType.F16, 0x7e00)).isNaN();
    }

    /** Between every two neighbours: below the middle goes down, above goes up, the middle goes to the even one. */
    @ParameterizedTest
    @CsvSource({"F16, 0x7c00", "BF16, 0x7f80"})
    void roundsToTheNearestAndTiesToEven(DType dtype, String infinity) {
        int last = Integer.decode(infinity) - 1;
        for (int bits = 0; bits < last; bits++) {
            double low = decode(dtype, bits);
            float middle = (float) ((low + decode(dtype, bits + 1)) / 2);
            int even = (bits & 1) == 0 ? bits : bits + 1;
            assertThat(encode(dtype, middle)).isEqualTo(even);
            assertThat(encode(dtype, Math.nextDown(middle))).isEqualTo(bits);
            assertThat(encode(dtype, Math.nextUp(middle))).isEqualTo(bits + 1);
            assertThat(encode(dtype, -middle)).isEqualTo(even | 0x8000);
        }
    }

    @Test
    void whatIsTooLargeForAHalfBecomesInfinite() {
        assertThat(encode(DType.F16, 65504f)).isEqualTo(0x7bff);
        assertThat(encode(DType.F16, Math.nextDown(65520f))).isEqualTo(0x7bff);
        assertThat(encode(DType.F16, 65520f)).isEqualTo(0x7c00);
        assertThat(encode(DType.F16, 65536f)).isEqualTo(0x7c00);
        assertThat(encode(DType.F16, -Float.MAX_VALUE)).isEqualTo(0xfc00);
        assertThat(encode(DType.F16, Float.POSITIVE_INFINITY)).isEqualTo(0x7c00);
        assertThat(encode(DType.BF16, Float.MAX_VALUE)).isEqualTo(0x7f80);
    }

    @Test
    void whatIsTooSmallForAHalfBecomesZeroOfItsSign() {
        assertThat(encode(DType.F16, 0x1p-25f)).isEqualTo(0);
        assertThat(encode(DType.F16, Math.nextUp(0x1p-25f))).isEqualTo(1);
        assertThat(encode(DType.F16, -Float.MIN_VALUE)).isEqualTo(0x8000);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void notANumberStaysNotANumber(DType dtype) {
        assertThat(decode(dtype, encode(dtype, Float.intBitsToFloat(0x7f800001))))
                .isNaN();
        assertThat(decode(dtype, encode(dtype, Float.intBitsToFloat(0xffffffff))))
                .isNaN();
    }

    @Test
    void floatsKeepEveryBit() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 10_000; i++) {
            ByteBuffer buffer = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            int bits = random.nextInt();
            DType.F32.encode(new float[] {Float.intBitsToFloat(bits)}, 0, 1, buffer);
            assertThat(buffer.getInt(0)).isEqualTo(bits);
        }
    }

    private static float decode(DType dtype, int bits) {
        float[] value = new float[1];
        ByteBuffer buffer =
                ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN).putShort(0, (short) bits);
        dtype.decode(buffer, value, 0, 1);
        return value[0];
    }

    private static int encode(DType dtype, float value) {
        ByteBuffer buffer = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
        dtype.encode(new float[] {value}, 0, 1, buffer);
        return Short.toUnsignedInt(buffer.getShort(0));
    }
}
