package dev.darkroom.picture.file;

import dev.darkroom.picture.InvalidPicture;
import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.picture.Picture;
import dev.darkroom.picture.Pixels;
import dev.darkroom.picture.Recipe;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/** PNG (ISO/IEC 15948:2004, and its third edition for APNG and eXIf) as a sequence of chunks. */
public final class PngFile {

    static final String JSON_KEYWORD = "darkroom";
    static final String PARAMETERS_KEYWORD = "parameters";
    private static final String XMP_KEYWORD = "XML:com.adobe.xmp";

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int HEADER = SIGNATURE.length + 4 + 4 + 13 + 4; // signature and IHDR

    private static final Set<String> FOR_PIXELS = Set.of("IHDR", "PLTE", "tRNS", "IDAT", "IEND");

    private PngFile() {}

    static Scan scan(Input in, Scan scan) throws IOException {
        for (int i = 1; i < SIGNATURE.length; i++) {
            if (in.u8() != (SIGNATURE[i] & 0xff)) {
                throw Scan.unknown();
            }
        }
        boolean data = false;
        for (boolean first = true; ; first = false) {
            long length = in.u32();
            if (length > Integer.MAX_VALUE) {
                throw InvalidPicture.damaged("a PNG chunk declares " + length + " bytes");
            }
            in.startChecksum();
            String type = new String(in.bytes(4), StandardCharsets.ISO_8859_1);
            if (first != type.equals("IHDR")) {
                throw InvalidPicture.damaged("a PNG file begins with one IHDR chunk; found: " + printable(type));
            }
            switch (type) {
                case "IHDR" -> header(in.bytes(expect(type, length, 13)), scan);
                case "IDAT" -> data = true;
                case "acTL" -> scan.animated = true;
                case "tEXt", "zTXt", "iTXt" -> length -= text(in, type, (int) length, scan);
                case "eXIf" -> {
                    if (scan.takesText(length)) {
                        scan.exif(in.bytes((int) length));
                        length = 0;
                    }
                }
                default -> {}
            }
            in.skip(type.equals("IHDR") ? 0 : length);
            long sum = in.checksum();
            if (in.u32() != sum) {
                throw InvalidPicture.damaged("the checksum of the PNG chunk " + printable(type) + " is wrong");
            }
            if (type.equals("IEND")) {
                if (!data) {
                    throw InvalidPicture.damaged("the PNG file has no pixels");
                }
                return scan;
            }
        }
    }

    private static int expect(String type, long length, int expected) {
        if (length != expected) {
            throw InvalidPicture.damaged(
                    "the PNG chunk " + type + " has " + expected + " bytes; it declares " + length);
        }
        return expected;
    }

    private static void header(byte[] ihdr, Scan scan) {
        ByteBuffer buffer = ByteBuffer.wrap(ihdr);
        scan.size(buffer.getInt() & 0xffffffffL, buffer.getInt() & 0xffffffffL);
        scan.bitsPerSample = buffer.get();
    }

    /** @return how many of the chunk's bytes were read */
    private static int text(Input in, String type, int length, Scan scan) throws IOException {
        StringBuilder keyword = new StringBuilder();
        int read = 0;
        while (read < length) {
            int letter = in.bytes(1)[0] & 0xff;
            read++;
            if (letter == 0 || keyword.length() == 79) {
                break;
            }
            keyword.append((char) letter);
        }
        String name = keyword.toString();
        boolean xmp = name.equals(XMP_KEYWORD);
        if (!xmp && !name.equals(JSON_KEYWORD) && !name.equals(PARAMETERS_KEYWORD)) {
            return read;
        }
        int left = length - read;
        if (left > Scan.MAX_TEXT && !xmp) {
            throw tooLong(name);
        }
        if (!scan.takesText(left)) {
            return read;
        }
        byte[] text = text(type, name, in.bytes(left));
        if (text == null) {
            return length;
        }
        Charset charset = type.equals("iTXt") ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
        switch (name) {
            case JSON_KEYWORD -> scan.json = new String(text, charset);
            case PARAMETERS_KEYWORD -> scan.parameters = new String(text, charset);
            default -> scan.xmp(text);
        }
        return length;
    }

    /**
     * @param rest the chunk behind its keyword
     * @return the text unpacked; null if it is XMP too long to be ours
     */
    private static byte @Nullable [] text(String type, String keyword, byte[] rest) {
        int at = 0;
        boolean packed = type.equals("zTXt");
        if (packed) {
            at = 1;
        } else if (type.equals("iTXt")) {
            packed = rest.length > 0 && rest[0] == 1;
            at = 2;
            for (int zeros = 0; zeros < 2 && at < rest.length; at++) { // language tag, translated keyword
                zeros += rest[at] == 0 ? 1 : 0;
            }
        }
        if (at > rest.length) {
            throw InvalidPicture.damaged("the PNG text " + keyword + " is cut short");
        }
        if (!packed) {
            return Arrays.copyOfRange(rest, at, rest.length);
        }
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(rest, at, rest.length - at);
            byte[] text = new byte[Scan.MAX_TEXT + 1];
            int length = 0;
            while (!inflater.finished() && length < text.length) {
                int part = inflater.inflate(text, length, text.length - length);
                if (part == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
                    throw new DataFormatException();
                }
                length += part;
            }
            if (length > Scan.MAX_TEXT) {
                if (keyword.equals(XMP_KEYWORD)) {
                    return null;
                }
                throw tooLong(keyword);
            }
            return Arrays.copyOf(text, length);
        } catch (DataFormatException e) {
            throw InvalidPicture.damaged("the PNG text " + keyword + " cannot be unpacked");
        } finally {
            inflater.end();
        }
    }

    private static InvalidPicture tooLong(String keyword) {
        return new InvalidPicture(
                Reason.BAD_RECIPE,
                "the PNG text " + keyword + " is longer than a recipe can be, " + Scan.MAX_TEXT + " bytes");
    }

    private static String printable(String type) {
        return type.chars().allMatch(c -> c > 32 && c < 127) ? type : "a chunk without a name";
    }

    /** The file with nothing but its pixels: decoders unpack text and profiles without a bound. */
    public static byte[] bare(byte[] file) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(file.length);
        out.write(file, 0, SIGNATURE.length);
        ByteBuffer chunks = ByteBuffer.wrap(file);
        for (int at = SIGNATURE.length; ; ) {
            int length = chunks.getInt(at);
            String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
            if (FOR_PIXELS.contains(type)) {
                out.write(file, at, 12 + length);
            }
            if (type.equals("IEND")) {
                return out.toByteArray();
            }
            at += 12 + length;
        }
    }

    public static byte[] encode(Picture picture, @Nullable Recipe recipe) {
        byte[] pixels = Pixels.encode(picture, "png", null, -1);
        ByteArrayOutputStream out = new ByteArrayOutputStream(pixels.length + 4096);
        out.write(pixels, 0, HEADER);
        if (recipe != null) {
            String text = recipe.parameters().replace('\0', '\ufffd');
            boolean latin = StandardCharsets.ISO_8859_1.newEncoder().canEncode(text);
            write(
                    out,
                    latin ? "tEXt" : "iTXt",
                    PARAMETERS_KEYWORD + (latin ? "\0" : "\0\0\0\0\0"),
                    text.getBytes(latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
            write(out, "tEXt", JSON_KEYWORD + "\0", recipe.json().getBytes(StandardCharsets.ISO_8859_1));
        }
        write(out, "iTXt", XMP_KEYWORD + "\0\0\0\0\0", Xmp.packet(recipe));
        out.write(pixels, HEADER, pixels.length - HEADER);
        return out.toByteArray();
    }

    private static void write(ByteArrayOutputStream file, String type, String before, byte[] text) {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        chunk.writeBytes((type + before).getBytes(StandardCharsets.ISO_8859_1));
        chunk.writeBytes(text);
        CRC32 crc = new CRC32();
        crc.update(chunk.toByteArray());
        try (DataOutputStream out = new DataOutputStream(file)) {
            out.writeInt(chunk.size() - 4);
            out.write(chunk.toByteArray());
            out.writeInt((int) crc.getValue());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
