package dev.darkroom.picture.file;

import dev.darkroom.picture.InvalidPicture;
import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.request.OutputFormat;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What a file says of its picture, gathered front to back without touching a pixel. */
public final class Scan {

    /** No text that may hold a recipe is longer than this, packed or unpacked. */
    static final int MAX_TEXT = 64 * 1024;

    /** So many texts are looked at; a file can have hundreds of thousands, each of which unpacks to the limit. */
    private static final int MAX_TEXTS = 16;

    private static final int MAX_SIDE = 8192;
    private static final int MAX_PIXELS = 1 << 24;

    public final OutputFormat format;
    public int width;
    public int height;
    public int bitsPerSample = 8;
    int channels;
    public boolean animated;
    /** Coded in a way that Java does not decode. */
    boolean unusual;
    /** EXIF's, 1 to 8; 1 is upright. */
    public int orientation = 1;

    @Nullable
    public String json;

    @Nullable
    public String parameters;

    private int texts;

    private Scan(OutputFormat format) {
        this.format = format;
    }

    public static Scan of(Input in) throws IOException {
        int first = in.u8();
        if (first == 0x89) {
            return PngFile.scan(in, new Scan(OutputFormat.PNG));
        }
        if (first == 0xff) {
            return JpegFile.scan(in, new Scan(OutputFormat.JPEG));
        }
        if (first == 'R') {
            return WebpFile.scan(in, new Scan(OutputFormat.WEBP));
        }
        throw unknown();
    }

    static InvalidPicture unknown() {
        return new InvalidPicture(Reason.UNKNOWN_FORMAT, "the file is neither PNG, JPEG nor WebP by its first bytes");
    }

    /** @throws InvalidPicture if that is more than we take */
    void size(long width, long height) {
        if (width < 1 || height < 1) {
            throw InvalidPicture.damaged("the picture declares " + width + " × " + height + " pixels");
        }
        if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
            throw new InvalidPicture(
                    Reason.TOO_MANY_PIXELS,
                    "the picture declares " + width + " × " + height + " pixels; at most " + MAX_SIDE + " a side and "
                            + MAX_PIXELS + " together are taken");
        }
        if (this.width != 0 && (this.width != width || this.height != height)) {
            throw InvalidPicture.damaged("the picture declares two sizes, " + this.width + " × " + this.height + " and "
                    + width + " × " + height + " pixels");
        }
        this.width = (int) width;
        this.height = (int) height;
    }

    /** Whether the next text, of this length, is worth its memory; asked once a text. */
    boolean takesText(long length) {
        return length <= MAX_TEXT && texts++ < MAX_TEXTS;
    }

    void xmp(byte[] packet) {
        String recipe = Xmp.recipe(packet);
        if (recipe != null && json == null) {
            json = recipe;
        }
    }

    /** @param tiff as in EXIF, without its {@code Exif} prefix */
    void exif(byte[] tiff) {
        Exif exif = Exif.read(tiff);
        orientation = exif.orientation();
        if (exif.userComment() != null && parameters == null) {
            parameters = exif.userComment();
        }
    }
}
