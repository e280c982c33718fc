package dev.darkroom.trainer;

import java.util.Random;

/**
 * A way to look at a picture: the augmentation of a training sample. White all around the picture.
 *
 * @param mirrored left and right swapped
 * @param scale 1 as it is, less for smaller about the centre
 * @param right pixels moved to the right
 * @param down pixels moved down
 */
record View(boolean mirrored, double scale, int right, int down) {
    static final View WHOLE = new View(false, 1, 0, 0);

    private static final double SMALLEST = 0.85;
    /** Pixels aside, as a share of the size. */
    private static final double FARTHEST = 1 / 21.0;

    /** Half of the pictures keep their size, so that the sharp original is seen often. */
    static View draw(Random random, int size, boolean mayMirror) {
        boolean mirrored = random.nextBoolean() && mayMirror;
        double scale = random.nextBoolean() ? 1 : SMALLEST + random.nextDouble() * (1 - SMALLEST);
        int farthest = (int) (size * FARTHEST);
        int span = 2 * farthest + 1;
        return new View(mirrored, scale, random.nextInt(span) - farthest, random.nextInt(span) - farthest);
    }

    /** The picture seen this way, bilinearly sampled: [3, size, size], −1 to 1. */
    float[] of(Icon picture) {
        int size = picture.size();
        double centre = (size - 1) / 2.0;
        float[] out = new float[3 * size * size];
        for (int y = 0; y < size; y++) {
            double sourceY = (y - down - centre) / scale + centre;
            int top = (int) Math.floor(sourceY);
            double fy = sourceY - top;
            for (int x = 0; x < size; x++) {
                double sourceX = (x - right - centre) / scale * (mirrored ? -1 : 1) + centre;
                int left = (int) Math.floor(sourceX);
                double fx = sourceX - left;
                for (int c = 0; c < 3; c++) {
                    double upper = (1 - fx) * value(picture, left, top, c) + fx * value(picture, left + 1, top, c);
                    double lower =
                            (1 - fx) * value(picture, left, top + 1, c) + fx * value(picture, left + 1, top + 1, c);
                    out[(c * size + y) * size + x] = (float) (((1 - fy) * upper + fy * lower) / 127.5 - 1);
                }
            }
        }
        return out;
    }

    private static int value(Icon picture, int x, int y, int c) {
        boolean inside = x >= 0 && y >= 0 && x < picture.size() && y < picture.size();
        return inside ? picture.value(x, y, c) : 255;
    }
}
