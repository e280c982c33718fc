package dev.darkroom.picture;

import dev.darkroom.picture.file.Scan;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;

/** Java's codecs: files without metadata to pixels and back. */
public final class Pixels {

    private Pixels() {}

    /**
     * @param codec ImageIO's name of the format
     * @param type ImageIO's name of the kind of compression; null for the usual one
     * @param compression 0 to 100; −1 for the usual one
     */
    public static byte[] encode(Picture picture, String codec, @Nullable String type, int compression) {
        ImageWriter writer = ImageIO.getImageWritersByFormatName(codec).next();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
            ImageWriteParam how = writer.getDefaultWriteParam();
            if (type != null) {
                how.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
                how.setCompressionType(type);
                if (compression >= 0) {
                    how.setCompressionQuality(compression / 100f);
                }
            }
            writer.setOutput(stream);
            writer.write(null, new IIOImage(picture.image(), null, null), how);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            writer.dispose();
        }
        return out.toByteArray();
    }

    /** @throws InvalidPicture if the codec cannot read it */
    static Picture decode(byte[] bare, Scan scan) {
        ImageReader reader = ImageIO.getImageReadersByFormatName(
                        scan.format.name().toLowerCase(Locale.ROOT))
                .next();
        BufferedImage image;
        try (MemoryCacheImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bare))) {
            reader.setInput(stream, true, true);
            image = reader.read(0);
        } catch (IOException | RuntimeException e) {
            throw InvalidPicture.damaged("the pixels cannot be decoded");
        } finally {
            reader.dispose();
        }
        if (image.getWidth() != scan.width || image.getHeight() != scan.height) {
            throw InvalidPicture.damaged("the pixels are not as many as the header declares");
        }
        return upright(onWhite(image), scan.orientation);
    }

    /** Samples to 8 bits, grey to three colours, transparent pixels on white. */
    private static Picture onWhite(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        ColorModel colours = image.getColorModel();
        Raster raster = image.getRaster();
        int bands = raster.getNumBands();
        int max = (1 << colours.getComponentSize(0)) - 1;
        byte[] rgb = new byte[3 * width * height];
        int[] samples = new int[width * bands];
        int[] pixel = new int[4]; // red, green, blue, alpha: 0 to 255
        for (int y = 0, at = 0; y < height; y++) {
            raster.getPixels(0, y, width, 1, samples);
            for (int x = 0; x < width; x++, at += 3) {
                if (colours instanceof IndexColorModel palette) {
                    int argb = palette.getRGB(samples[x]);
                    pixel[0] = argb >> 16 & 255;
                    pixel[1] = argb >> 8 & 255;
                    pixel[2] = argb & 255;
                    pixel[3] = argb >>> 24;
                } else {
                    for (int c = 0; c < 3; c++) {
                        pixel[c] = to8(samples[x * bands + (bands < 3 ? 0 : c)], max);
                    }
                    pixel[3] = bands % 2 == 0 ? to8(samples[x * bands + bands - 1], max) : 255;
                }
                for (int c = 0; c < 3; c++) {
                    rgb[at + c] = (byte) ((pixel[c] * pixel[3] + 255 * (255 - pixel[3]) + 127) / 255);
                }
            }
        }
        return new Picture(width, height, rgb);
    }

    private static int to8(int sample, int max) {
        return max == 255 ? sample : (int) ((sample * 255L + max / 2) / max);
    }

    /** @param orientation EXIF's: where the stored rows' beginning belongs */
    private static Picture upright(Picture stored, int orientation) {
        if (orientation == 1) {
            return stored;
        }
        boolean transposed = orientation >= 5;
        boolean mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        boolean upsideDown = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        int width = transposed ? stored.height() : stored.width();
        int height = transposed ? stored.width() : stored.height();
        byte[] rgb = new byte[stored.rgb().length];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int storedX = transposed ? y : x;
                int storedY = transposed ? x : y;
                storedX = mirrored ? stored.width() - 1 - storedX : storedX;
                storedY = upsideDown ? stored.height() - 1 - storedY : storedY;
                System.arraycopy(stored.rgb(), 3 * (storedY * stored.width() + storedX), rgb, 3 * (y * width + x), 3);
            }
        }
        return new Picture(width, height, rgb);
    }
}
