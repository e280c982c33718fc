package dev.darkroom.picture.file;

import dev.darkroom.picture.InvalidPicture;
import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.picture.Picture;
import dev.darkroom.picture.Pixels;
import dev.darkroom.picture.Recipe;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** JPEG (ITU-T T.81) as a sequence of segments, with the APP1 segments of EXIF and XMP. */
public final class JpegFile {

    private static final int SOI = 0xd8;
    private static final int EOI = 0xd9;
    private static final int SOS = 0xda;
    private static final int APP0 = 0xe0;
    private static final int APP1 = 0xe1;
    private static final int APP14 = 0xee; // Adobe's: says how the channels are coded
    private static final int APP15 = 0xef;
    private static final int COM = 0xfe;

    private static final byte[] XMP_HEAD = "http://ns.adobe.com/xap/1.0/\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final byte[] EXIF_HEAD = "Exif\0\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final int MAX_SEGMENT = 0xffff - 2;

    /** A progressive picture of ours would have ten; each one costs a decoder a pass over all pixels. */
    private static final int MAX_SCANS = 100;

    private JpegFile() {}

    static Scan scan(Input in, Scan scan) throws IOException {
        if (in.u8() != SOI) {
            throw Scan.unknown();
        }
        int scans = 0;
        int marker = marker(in);
        while (marker != EOI) {
            int length = in.u16() - 2;
            if (length < 0) {
                throw InvalidPicture.damaged("a JPEG segment declares a negative length");
            }
            if (isFrame(marker)) {
                frame(marker, in.bytes(length), scan);
            } else if (marker == APP1 && scan.takesText(length)) {
                metadata(in.bytes(length), scan);
            } else {
                in.skip(length);
            }
            if (marker == SOS) {
                scans++;
                if (scan.width == 0 || scans > MAX_SCANS) {
                    throw InvalidPicture.damaged(
                            scan.width == 0 ? "the JPEG file has no header" : "the JPEG file has too many scans");
                }
                marker = markerAfterPixels(in);
            } else {
                marker = marker(in);
            }
        }
        if (scans == 0) {
            throw InvalidPicture.damaged("the JPEG file has no pixels");
        }
        return scan;
    }

    private static int marker(Input in) throws IOException {
        if (in.u8() != 0xff) {
            throw InvalidPicture.damaged("a JPEG segment does not begin where the one before it ends");
        }
        int marker = in.u8();
        while (marker == 0xff) { // fill bytes
            marker = in.u8();
        }
        return marker;
    }

    private static int markerAfterPixels(Input in) throws IOException {
        while (true) {
            int value = in.u8();
            while (value == 0xff) {
                value = in.u8();
                boolean stuffed = value == 0;
                boolean restart = value >= 0xd0 && value <= 0xd7;
                if (!stuffed && !restart && value != 0xff) {
                    return value;
                }
            }
        }
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    }

    private static void frame(int marker, byte[] segment, Scan scan) {
        if (segment.length < 6 || scan.width != 0) {
            throw InvalidPicture.damaged("a JPEG file has one header of at least 6 bytes");
        }
        scan.bitsPerSample = segment[0] & 0xff;
        scan.size((segment[3] & 0xff) << 8 | segment[4] & 0xff, (segment[1] & 0xff) << 8 | segment[2] & 0xff);
        scan.channels = segment[5] & 0xff;
        scan.unusual = marker > 0xc2;
    }

    private static void metadata(byte[] segment, Scan scan) {
        if (startsWith(segment, XMP_HEAD)) {
            scan.xmp(Arrays.copyOfRange(segment, XMP_HEAD.length, segment.length));
        } else if (startsWith(segment, EXIF_HEAD)) {
            scan.exif(Arrays.copyOfRange(segment, EXIF_HEAD.length, segment.length));
        }
    }

    private static boolean startsWith(byte[] segment, byte[] head) {
        return segment.length >= head.length && Arrays.equals(segment, 0, head.length, head, 0, head.length);
    }

    /**
     * The file without metadata and profiles.
     *
     * @throws InvalidPicture if Java's decoder does not read such pixels
     */
    public static byte[] bare(byte[] file, Scan scan) {
        if (scan.unusual || scan.bitsPerSample != 8 || scan.channels != 1 && scan.channels != 3) {
            throw new InvalidPicture(
                    Reason.UNSUPPORTED,
                    "a JPEG picture must be baseline or progressive with 8 bits a sample, grey or three-coloured;"
                            + " found: " + scan.bitsPerSample + " bits, " + scan.channels + " channels"
                            + (scan.channels == 4 ? " (CMYK)" : "")
                            + (scan.unusual ? ", another coding" : ""));
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(file.length);
        out.write(file, 0, 2);
        int at = 2;
        while (true) {
            while (file[at + 1] == (byte) 0xff) {
                at++;
            }
            int marker = file[at + 1] & 0xff;
            if (marker == SOS) {
                out.write(file, at, file.length - at);
                return out.toByteArray();
            }
            int end = at + 2 + ((file[at + 2] & 0xff) << 8 | file[at + 3] & 0xff);
            boolean application = marker >= APP0 && marker <= APP15 && marker != APP14 || marker == COM;
            if (!application) {
                out.write(file, at, end - at);
            }
            at = end;
        }
    }

    public static byte[] encode(Picture picture, int compression, @Nullable Recipe recipe) {
        byte[] pixels = Pixels.encode(picture, "jpeg", "JPEG", compression);
        int start = 2;
        if ((pixels[3] & 0xff) == APP0) {
            start += 2 + ((pixels[4] & 0xff) << 8 | pixels[5] & 0xff);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(pixels.length + 4096);
        out.write(pixels, 0, start);
        if (recipe != null) {
            write(out, EXIF_HEAD, Exif.withUserComment(recipe.parameters()));
        }
        write(out, XMP_HEAD, Xmp.packet(recipe));
        out.write(pixels, start, pixels.length - start);
        return out.toByteArray();
    }

    private static void write(ByteArrayOutputStream out, byte[] head, byte[] content) {
        int length = head.length + content.length;
        if (length > MAX_SEGMENT) {
            throw new IllegalStateException("a recipe takes less than " + MAX_SEGMENT + " bytes; found: " + length);
        }
        out.write(0xff);
        out.write(APP1);
        out.write((length + 2) >> 8);
        out.write(length + 2);
        out.writeBytes(head);
        out.writeBytes(content);
    }
}
