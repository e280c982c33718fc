package dev.darkroom.picture;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;

/**
 * A picture's pixels.
 *
 * @param rgb red, green, blue of each pixel, 0 to 255, row by row; {@code 3 · width · height} bytes
 */
public record Picture(int width, int height, byte[] rgb) {

    /** @throws IllegalArgumentException if the array has another length */
    public Picture {
        if (rgb.length != 3L * width * height) {
            throw new IllegalArgumentException(
                    width + " × " + height + " pixels take " + 3L * width * height + " bytes, found " + rgb.length);
        }
    }

    /**
     * @param x the VAE's output, {@code [3, height, width]}; −1 … 1 becomes 0 … 255, rounded half to even as numpy does
     */
    public static Picture of(float[] x, int width, int height) {
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

    /** For Java's codecs; shares the pixels. */
    BufferedImage image() {
        WritableRaster raster = Raster.createInterleavedRaster(
                new DataBufferByte(rgb, rgb.length), width, height, 3 * width, 3, new int[] {0, 1, 2}, null);
        ComponentColorModel sRgb = new ComponentColorModel(
                ColorSpace.getInstance(ColorSpace.CS_sRGB),
                false,
                false,
                ComponentColorModel.OPAQUE,
                DataBuffer.TYPE_BYTE);
        return new BufferedImage(sRgb, raster, false, null);
    }
}
