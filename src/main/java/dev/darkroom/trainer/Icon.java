package dev.darkroom.trainer;

/**
 * A square picture.
 *
 * @param size width and height in pixels
 * @param rgb red, green, blue of each pixel, 0–255, row by row: size · size · 3 bytes
 */
record Icon(int size, byte[] rgb) {
    Icon {
        if (rgb.length != size * size * 3) {
            throw new IllegalArgumentException(
                    "A picture of %d×%d has %d bytes, found %d".formatted(size, size, size * size * 3, rgb.length));
        }
    }

    /** This picture, {@code factor} times smaller: each new pixel is the mean of factor × factor old ones. */
    Icon shrunk(int factor) {
        if (size % factor != 0) {
            throw new IllegalArgumentException("%d pixels do not divide by %d".formatted(size, factor));
        }
        int small = size / factor;
        byte[] out = new byte[small * small * 3];
        for (int y = 0; y < small; y++) {
            for (int x = 0; x < small; x++) {
                for (int c = 0; c < 3; c++) {
                    int sum = 0;
                    for (int dy = 0; dy < factor; dy++) {
                        for (int dx = 0; dx < factor; dx++) {
                            sum += value(x * factor + dx, y * factor + dy, c);
                        }
                    }
                    out[(y * small + x) * 3 + c] = (byte) Math.round((float) sum / (factor * factor));
                }
            }
        }
        return new Icon(small, out);
    }

    /** Channel {@code c} (0 red, 1 green, 2 blue) of the pixel at x, y: 0–255. */
    int value(int x, int y, int c) {
        return rgb[(y * size + x) * 3 + c] & 0xff;
    }

    /** Mean squared difference of all values, in 0–255. */
    double meanSquare(Icon other) {
        long sum = 0;
        for (int i = 0; i < rgb.length; i++) {
            int difference = (rgb[i] & 0xff) - (other.rgb[i] & 0xff);
            sum += (long) difference * difference;
        }
        return (double) sum / rgb.length;
    }

    /** As packed integers 0xRRGGBB, row by row. */
    int[] pixels() {
        int[] pixels = new int[size * size];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (rgb[i * 3] & 0xff) << 16 | (rgb[i * 3 + 1] & 0xff) << 8 | rgb[i * 3 + 2] & 0xff;
        }
        return pixels;
    }

    /** As the networks take it: [3, size, size], −1 to 1. */
    float[] planes() {
        int pixels = size * size;
        float[] planes = new float[3 * pixels];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = (rgb[i % pixels * 3 + i / pixels] & 0xff) / 127.5f - 1;
        }
        return planes;
    }

    /** From what a network gave: [3, size, size] from {@code offset} on, −1 to 1; values outside are cut. */
    static Icon ofPlanes(float[] planes, int offset, int size) {
        int pixels = size * size;
        byte[] rgb = new byte[3 * pixels];
        for (int i = 0; i < rgb.length; i++) {
            float value = (planes[offset + i % 3 * pixels + i / 3] + 1) * 127.5f;
            rgb[i] = (byte) Math.round(Math.max(0, Math.min(255, value)));
        }
        return new Icon(size, rgb);
    }
}
