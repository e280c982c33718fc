package dev.darkroom.picture;

import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.picture.a1111.Parameters;
import dev.darkroom.picture.file.Input;
import dev.darkroom.picture.file.JpegFile;
import dev.darkroom.picture.file.PngFile;
import dev.darkroom.picture.file.Scan;
import dev.darkroom.picture.file.WebpFile;
import dev.darkroom.request.Output;
import dev.darkroom.request.OutputFormat;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A picture's file as far as it is known without its pixels.
 *
 * <p>Files are written with the recipe in XMP, marked as made by a trained algorithm (IPTC DigitalSourceType); PNG has it as
 * text too, under {@code parameters} and {@code darkroom}; JPEG and WebP have {@code parameters} in EXIF's UserComment, where
 * AUTOMATIC1111's web UI looks for it.
 *
 * <p>What becomes of files from strangers:
 *
 * <table>
 * <caption>Reading</caption>
 * <tr><th>file</th><th>{@link #read}</th><th>{@link #decode}</th></tr>
 * <tr><td>neither PNG, JPEG nor WebP, GIF for example</td><td colspan=2>refused</td></tr>
 * <tr><td>cut short; in PNG any checksum wrong</td><td colspan=2>refused</td></tr>
 * <tr><td>more than 8192 pixels a side or 2^24 together</td><td colspan=2>refused once the header is read</td></tr>
 * <tr><td>animated PNG or WebP</td><td colspan=2>refused</td></tr>
 * <tr><td>PNG text of ours that is, or unpacks to, more than 64 KiB</td><td colspan=2>refused</td></tr>
 * <tr><td>XMP or EXIF of more than 64 KiB, other metadata</td><td colspan=2>skipped</td></tr>
 * <tr><td>CMYK, arithmetic, lossless or 12-bit JPEG</td><td>read</td><td>refused</td></tr>
 * <tr><td>16 bits a sample, grey, palette</td><td>read</td><td>to 8 bits, RGB</td></tr>
 * <tr><td>transparent</td><td>read</td><td>on white</td></tr>
 * <tr><td>turned by EXIF</td><td>read, as stored</td><td>turned upright</td></tr>
 * <tr><td>colour profile</td><td>read</td><td>ignored: taken as sRGB</td></tr>
 * </table>
 *
 * @param width pixels as stored
 * @param height pixels as stored
 * @param bitsPerSample 1 to 16
 * @param orientation EXIF's, 1 (upright) to 8
 * @param recipe absent where the file has none
 */
public record PictureFile(
        OutputFormat format, int width, int height, int bitsPerSample, int orientation, Optional<Recipe> recipe) {

    /**
     * Reads header and recipe, no pixels. Our own recipe goes before a text {@code parameters}.
     *
     * @param in read to the picture's end
     * @throws InvalidPicture saying why the file is refused
     * @throws IOException of the stream itself
     */
    public static PictureFile read(InputStream in) throws IOException {
        Scan scan = scan(in);
        return new PictureFile(
                scan.format, scan.width, scan.height, scan.bitsPerSample, scan.orientation, recipe(scan));
    }

    /**
     * Reads the pixels.
     *
     * @throws InvalidPicture saying why the file is refused
     */
    public static Picture decode(byte[] file) {
        try {
            Scan scan = scan(new ByteArrayInputStream(file));
            byte[] bare =
                    switch (scan.format) {
                        case PNG -> PngFile.bare(file);
                        case JPEG -> JpegFile.bare(file, scan);
                        case WEBP -> WebpFile.bare(file);
                    };
            return Pixels.decode(bare, scan);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Writes a file. The same arguments give the same bytes with the same Java runtime.
     *
     * @param recipe what the picture was drawn by; null for a picture of several
     */
    public static byte[] encode(Picture picture, Output output, @Nullable Recipe recipe) {
        return switch (output.format()) {
            case PNG -> PngFile.encode(picture, recipe);
            case JPEG -> JpegFile.encode(picture, output.compression(), recipe);
            case WEBP -> WebpFile.encode(picture, output.compression(), recipe);
        };
    }

    /**
     * Changes when {@link #encode} begins to give other bytes than before, with another version of a codec or of Java for
     * example: a hash of what becomes of a sample.
     */
    public static String encoders() {
        return Encoders.HASH;
    }

    private static final class Encoders {

        static final String HASH = hash();

        private static String hash() {
            byte[] rgb = new byte[3 * 32 * 32];
            for (int i = 0; i < rgb.length; i++) {
                rgb[i] = (byte) (i * i / 7 + 31 * (i % 3));
            }
            Picture sample = new Picture(32, 32, rgb);
            Recipe recipe = new Recipe(Map.of("prompt", "sample"), List.of());
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                for (OutputFormat format : OutputFormat.values()) {
                    digest.update(encode(sample, Output.of(format), recipe));
                    digest.update(encode(sample, new Output(format, Output.LOSSLESS), null));
                }
                return HexFormat.of().formatHex(digest.digest());
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }
    }

    private static Scan scan(InputStream in) throws IOException {
        Scan scan;
        try {
            scan = Scan.of(new Input(in));
        } catch (EOFException e) {
            throw InvalidPicture.damaged("the file ends in the middle of the picture");
        }
        if (scan.animated) {
            throw new InvalidPicture(Reason.UNSUPPORTED, "the picture is animated; only still ones are taken");
        }
        return scan;
    }

    private static Optional<Recipe> recipe(Scan scan) {
        if (scan.json != null) {
            return Optional.of(Recipe.ofJson(scan.json));
        }
        return scan.parameters == null ? Optional.empty() : Parameters.read(scan.parameters);
    }
}
