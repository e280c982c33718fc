package dev.darkroom.picture.file;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The two things we read of EXIF (CIPA DC-008).
 *
 * @param orientation 1 to 8
 * @param userComment null if there is none
 */
record Exif(int orientation, @Nullable String userComment) {

    private static final int ORIENTATION = 0x0112;
    private static final int EXIF_DIRECTORY = 0x8769;
    private static final int USER_COMMENT = 0x9286;

    private static final int LONG = 4;
    private static final int UNDEFINED = 7;

    private static final byte[] UNICODE = "UNICODE\0".getBytes(StandardCharsets.ISO_8859_1);

    /** What may stand before a comment's text, always 8 bytes. */
    private static final Set<String> CODES =
            Set.of("UNICODE\0", "UNICODE ", "Unicode\0", "ASCII\0\0\0", "ASCII   ", "JIS\0\0\0\0\0", "\0".repeat(8));

    private static final List<Charset> CHARSETS =
            List.of(StandardCharsets.UTF_16BE, StandardCharsets.UTF_16LE, StandardCharsets.UTF_8);

    /** A byte order mark before, zeros behind. */
    private static final Pattern PADDING = Pattern.compile("^\\ufeff|\\x00+$");

    /** What cannot be read is as if it were not there. */
    static Exif read(byte[] bytes) {
        // WebP files of some programs repeat JPEG's prefix.
        boolean prefixed = bytes.length > 6 && new String(bytes, 0, 4, StandardCharsets.ISO_8859_1).equals("Exif");
        ByteBuffer tiff = (prefixed ? ByteBuffer.wrap(bytes, 6, bytes.length - 6) : ByteBuffer.wrap(bytes)).slice();
        int orientation = 1;
        String comment = null;
        try {
            tiff.order(tiff.getShort(0) == 0x4949 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            int main = tiff.getInt(4);
            int found = find(tiff, main, ORIENTATION);
            if (found >= 0) {
                int value = tiff.getShort(found + 8);
                orientation = value >= 1 && value <= 8 ? value : 1;
            }
            int pointer = find(tiff, main, EXIF_DIRECTORY);
            int entry = pointer < 0 ? -1 : find(tiff, tiff.getInt(pointer + 8), USER_COMMENT);
            if (entry >= 0) {
                comment = comment(tiff, tiff.getInt(entry + 4), tiff.getInt(entry + 8));
            }
        } catch (IndexOutOfBoundsException | BufferUnderflowException | IllegalArgumentException e) {
            // Keeps what was found before.
        }
        return new Exif(orientation, comment);
    }

    /** Where the entry of this tag is in a directory, or −1. */
    private static int find(ByteBuffer tiff, int directory, int tag) {
        int entries = tiff.getShort(directory) & 0xffff;
        for (int i = 0; i < entries; i++) {
            int entry = directory + 2 + 12 * i;
            if ((tiff.getShort(entry) & 0xffff) == tag) {
                return entry;
            }
        }
        return -1;
    }

    private static @Nullable String comment(ByteBuffer tiff, int length, int offset) {
        byte[] comment = new byte[Math.max(0, Math.min(length, tiff.capacity()))];
        tiff.get(offset, comment);
        int text = CODES.contains(new String(comment, 0, Math.min(8, comment.length), StandardCharsets.ISO_8859_1))
                ? 8
                : 0;
        return comment.length <= text ? null : text(comment, text);
    }

    /**
     * Neither the code before the text nor the file's order says how the text is written: the web UI's library writes
     * big-endian into little-endian files, others UTF-8 behind {@code UNICODE}. So it is read in the first way that
     * makes it the text of a recipe; should none, as UTF-8, and then it is none.
     */
    private static String text(byte[] comment, int from) {
        String text = "";
        for (Charset charset : CHARSETS) {
            text = new String(comment, from, comment.length - from, charset);
            text = PADDING.matcher(text).replaceAll("");
            if (text.contains("Steps: ")) {
                break;
            }
        }
        return text;
    }

    /** A big-endian TIFF block with nothing but a comment in UTF-16. */
    static byte[] withUserComment(String text) {
        byte[] utf16 = text.getBytes(StandardCharsets.UTF_16BE);
        int exifDirectory = 8 + 2 + 12 + 4;
        int comment = exifDirectory + 2 + 12 + 4;
        ByteArrayOutputStream out = new ByteArrayOutputStream(comment + UNICODE.length + utf16.length);
        ByteBuffer head = ByteBuffer.allocate(comment);
        head.putShort((short) 0x4d4d).putShort((short) 42).putInt(8);
        head.putShort((short) 1);
        head.putShort((short) EXIF_DIRECTORY).putShort((short) LONG).putInt(1).putInt(exifDirectory);
        head.putInt(0);
        head.putShort((short) 1);
        head.putShort((short) USER_COMMENT).putShort((short) UNDEFINED);
        head.putInt(UNICODE.length + utf16.length).putInt(comment);
        head.putInt(0);
        out.writeBytes(head.array());
        out.writeBytes(UNICODE);
        out.writeBytes(utf16);
        return out.toByteArray();
    }
}
