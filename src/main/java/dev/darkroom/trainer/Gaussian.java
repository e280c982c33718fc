package dev.darkroom.trainer;

import java.util.Random;

/** Standard normal numbers. */
final class Gaussian {
    private Gaussian() {}

    static float[] draw(Random random, int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }
}
