package dev.darkroom.trainer;

/**
 * A square picture.
 *
 * @param size width and height in pixels
 * @param rgb red, green, blue of each pixel, 0–255, row by row: size · size · 3 bytes
 */
record Picture(int size, byte[] rgb) {
    Picture {
        if (rgb.length != size * size * 3) {
            throw new IllegalArgumentException(
                    "A picture of %d×%d has %d bytes, found %d".formatted(size, size, size * size * 3, rgb.length));
        }
    }

    /** This picture, {@code factor} times smaller: each new pixel is the mean of factor × factor old ones. */
    Picture shrunk(int factor) {
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
        return new Picture(small, out);
    }

    /** Channel {@code c} (0 red, 1 green, 2 blue) of the pixel at x, y: 0–255. */
    int value(int x, int y, int c) {
        return rgb[(y * size + x) * 3 + c] & 0xff;
    }
}
