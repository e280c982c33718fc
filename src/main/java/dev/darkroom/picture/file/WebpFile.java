package dev.darkroom.picture.file;

import dev.darkroom.picture.InvalidPicture;
import dev.darkroom.picture.Picture;
import dev.darkroom.picture.Pixels;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.Output;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** WebP (RFC 9649) as a RIFF file of chunks. */
public final class WebpFile {

    private static final int ANIMATION = 0x02;
    private static final int XMP = 0x04;
    private static final int EXIF = 0x08;

    private static final int HEADER = 12; // RIFF, length, WEBP

    private WebpFile() {}

    static Scan scan(Input in, Scan scan) throws IOException {
        if (in.u8() != 'I' || in.u8() != 'F' || in.u8() != 'F') {
            throw Scan.unknown();
        }
        long left = in.u32LittleEndian() - 4;
        if (!name(in).equals("WEBP")) {
            throw Scan.unknown();
        }
        boolean pixels = false;
        while (left >= 8) {
            String name = name(in);
            long length = in.u32LittleEndian();
            long padded = length + (length & 1);
            left -= 8 + padded;
            if (left < -1) {
                throw InvalidPicture.damaged("the WebP chunk " + name.strip() + " is longer than its file");
            }
            long rest = left < 0 ? length : padded; // the last chunk's padding may be missing
            switch (name) {
                case "VP8X" -> {
                    scan.animated |= (in.u8() & ANIMATION) != 0;
                    in.skip(3);
                    scan.size(in.u24LittleEndian() + 1L, in.u24LittleEndian() + 1L);
                    rest -= 10;
                }
                case "VP8L" -> {
                    in.skip(1);
                    long bits = in.u32LittleEndian();
                    scan.size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
                    pixels = true;
                    rest -= 5;
                }
                case "VP8 " -> {
                    in.skip(6);
                    int width = in.u8() | in.u8() << 8;
                    int height = in.u8() | in.u8() << 8;
                    scan.size(width & 0x3fff, height & 0x3fff);
                    pixels = true;
                    rest -= 10;
                }
                case "ANIM", "ANMF" -> scan.animated = true;
                case "XMP ", "EXIF" -> {
                    if (scan.takesText(length)) {
                        byte[] content = in.bytes((int) length);
                        if (name.equals("EXIF")) {
                            scan.exif(content);
                        } else {
                            scan.xmp(content);
                        }
                        rest -= length;
                    }
                }
                default -> {}
            }
            if (rest < 0) {
                throw InvalidPicture.damaged("the WebP chunk " + name.strip() + " is too short");
            }
            in.skip(rest);
        }
        if (!pixels && !scan.animated) {
            throw InvalidPicture.damaged("the WebP file has no pixels");
        }
        return scan;
    }

    private static String name(Input in) throws IOException {
        return new String(in.bytes(4), StandardCharsets.ISO_8859_1);
    }

    /** The file without metadata and profiles. */
    public static byte[] bare(byte[] file) {
        ByteArrayOutputStream chunks = new ByteArrayOutputStream(file.length);
        long end = Math.min(file.length, 8 + u32(file, 4));
        for (int at = HEADER; at + 8 <= end; ) {
            String name = new String(file, at, 4, StandardCharsets.ISO_8859_1);
            int length = (int) u32(file, at + 4);
            if (name.equals("VP8 ") || name.equals("VP8L") || name.equals("ALPH")) {
                chunk(chunks, name, file, at + 8, length);
            } else if (name.equals("VP8X")) {
                byte[] flags = Arrays.copyOfRange(file, at + 8, at + 8 + length);
                flags[0] &= 0x10; // alpha
                chunk(chunks, name, flags, 0, flags.length);
            }
            at += 8 + length + (length & 1);
        }
        return riff(chunks.toByteArray());
    }

    public static byte[] encode(Picture picture, int compression, @Nullable Recipe recipe) {
        boolean lossless = compression == Output.LOSSLESS;
        byte[] simple = Pixels.encode(picture, "webp", lossless ? "Lossless" : "Lossy", lossless ? -1 : compression);
        ByteArrayOutputStream chunks = new ByteArrayOutputStream(simple.length + 4096);
        byte[] extended = new byte[10];
        extended[0] = (byte) (recipe == null ? XMP : XMP | EXIF);
        for (int i = 0; i < 3; i++) {
            extended[4 + i] = (byte) (picture.width() - 1 >> 8 * i);
            extended[7 + i] = (byte) (picture.height() - 1 >> 8 * i);
        }
        chunk(chunks, "VP8X", extended, 0, extended.length);
        chunks.write(simple, HEADER, simple.length - HEADER);
        if (recipe != null) {
            byte[] exif = Exif.withUserComment(recipe.parameters());
            chunk(chunks, "EXIF", exif, 0, exif.length);
        }
        byte[] xmp = Xmp.packet(recipe);
        chunk(chunks, "XMP ", xmp, 0, xmp.length);
        return riff(chunks.toByteArray());
    }

    private static byte[] riff(byte[] chunks) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(chunks.length + HEADER);
        out.writeBytes("RIFF".getBytes(StandardCharsets.ISO_8859_1));
        write(out, chunks.length + 4);
        out.writeBytes("WEBP".getBytes(StandardCharsets.ISO_8859_1));
        out.writeBytes(chunks);
        return out.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream out, String name, byte[] bytes, int from, int length) {
        out.writeBytes(name.getBytes(StandardCharsets.ISO_8859_1));
        write(out, length);
        out.write(bytes, from, length);
        if ((length & 1) == 1) {
            out.write(0);
        }
    }

    private static void write(ByteArrayOutputStream out, int value) {
        for (int i = 0; i < 4; i++) {
            out.write(value >> 8 * i);
        }
    }

    private static long u32(byte[] file, int at) {
        return file[at] & 0xff
                | (file[at + 1] & 0xff) << 8
                | (file[at + 2] & 0xff) << 16
                | (file[at + 3] & 0xffL) << 24;
    }
}
