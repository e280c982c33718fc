package dev.darkroom.pipeline;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/**
 * A finished picture.
 *
 * @param rgb red, green, blue of each pixel, 0 to 255, row by row; {@code 3 · width · height} bytes
 */
public record Picture(int width, int height, byte[] rgb) {
    /**
     * @param x the VAE's output, {@code [3, height, width]}; −1 … 1 becomes 0 … 255, rounded half to even as numpy does
     */
    static Picture of(float[] x, int width, int height) {
        int pixels = width * height;
        byte[] rgb = new byte[3 * pixels];
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < pixels; i++) {
                float unit = Math.min(1f, Math.max(0f, x[c * pixels + i] / 2 + 0.5f));
                rgb[3 * i + c] = (byte) (int) Math.rint(unit * 255f);
            }
        }
        return new Picture(width, height, rgb);
    }

    /** The picture as a PNG file. */
    public byte[] png() {
        return file("png");
    }

    /** The picture as a JPEG file of usual quality. */
    public byte[] jpeg() {
        return file("jpeg");
    }

    private byte[] file(String format) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(
                    i % width,
                    i / width,
                    (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, format, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
