package dev.darkroom.request;

import static dev.darkroom.request.InvalidImageSpec.outOfRange;

import dev.darkroom.request.InvalidImageSpec.Violation;
import java.util.ArrayList;
import java.util.List;

/**
 * How a picture is handed out to a client that has no wish of its own.
 *
 * @param format the kind of file
 * @param compression quality, 0 to {@value #LOSSLESS}. JPEG: libjpeg's. WebP: libwebp's, {@value #LOSSLESS} is lossless.
 *     PNG: {@value #LOSSLESS}, there is no other
 */
public record Output(OutputFormat format, int compression) {

    public static final int LOSSLESS = 100;

    /** What JPEG and WebP get that nobody spoke of. */
    public static final int USUAL = 90;

    public static final Output PNG = new Output(OutputFormat.PNG, LOSSLESS);

    /** @throws InvalidImageSpec if the compression is out of bounds or not for this format */
    public Output {
        List<Violation> wrong = new ArrayList<>();
        check(wrong, format, compression);
        InvalidImageSpec.throwIfAny(wrong);
    }

    /** The format at its usual compression. */
    public static Output of(OutputFormat format) {
        return new Output(format, usual(format));
    }

    static int usual(OutputFormat format) {
        return format == OutputFormat.PNG ? LOSSLESS : USUAL;
    }

    static void check(List<Violation> wrong, OutputFormat format, int compression) {
        if (compression < 0 || compression > LOSSLESS) {
            wrong.add(outOfRange("output_compression", 0, LOSSLESS, compression));
        } else if (format == OutputFormat.PNG && compression != LOSSLESS) {
            wrong.add(new Violation(
                    "output_compression",
                    Rule.NOT_FOR_THIS_FORMAT,
                    "output_compression must be left out or " + LOSSLESS + " with output_format png, which loses"
                            + " nothing; given: " + compression));
        }
    }
}
