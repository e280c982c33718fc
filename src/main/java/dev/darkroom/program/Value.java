package dev.darkroom.program;

import java.util.Arrays;

/**
 * One tensor inside a {@link Program}: the name it has in the program text, and its shape at the size the program was
 * described for, with batch size 1. The text itself fixes neither the batch size nor the picture's size.
 *
 * @param name variable in the program text
 * @param shape for example {@code [1, channels, height, width]} or {@code [1, tokens, width]}
 */
public record Value(String name, long... shape) {
    public long dim(int i) {
        return shape[i < 0 ? shape.length + i : i];
    }

    /** Number of elements at batch size 1. */
    long size() {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /** Channels of a picture-shaped value {@code [1, channels, height, width]}. */
    public int channels() {
        return (int) shape[1];
    }
}
