package dev.darkroom.trainer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.LongBuffer;

/** Captioned pictures, or their latents, one after the other. */
record Minibatch(int size, float[] pictures, long[] tokens) {
    /**
     * @param length numbers a picture
     * @param positions tokens a caption
     */
    Minibatch(int size, int length, int positions) {
        this(size, new float[size * length], new long[size * positions]);
    }

    void set(int i, float[] picture, long[] caption) {
        System.arraycopy(picture, 0, pictures, i * picture.length, picture.length);
        System.arraycopy(caption, 0, tokens, i * caption.length, caption.length);
    }

    /** Token ids, [size, positions]. */
    NDArray ids(NDManager scope) {
        return ids(scope, tokens, size);
    }

    static NDArray ids(NDManager scope, long[] tokens, int rows) {
        return scope.create(LongBuffer.wrap(tokens), new Shape(rows, tokens.length / rows), DataType.INT64);
    }
}
