package dev.darkroom.request;

import static dev.darkroom.request.InvalidRequest.outOfRange;

import dev.darkroom.request.InvalidRequest.Violation;
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

    /** @throws InvalidRequest if the compression is out of bounds or not for this format */
    public Output {
        List<Violation> wrong = new ArrayList<>();
        check(wrong, format, compression);
        InvalidRequest.throwIfAny(wrong);
    }

    /** The format at its usual compression. */
    public static Output of(OutputFormat format) {
        return new Output(format, usual(format));
    }

    static Output of(Draft draft) {
        List<Violation> wrong = new ArrayList<>();
        OutputFormat format = Checks.named(
                wrong,
                "output_format",
                Rule.UNKNOWN_OUTPUT_FORMAT,
                draft.outputFormat(),
                OutputFormat::of,
                OutputFormat.ids(),
                OutputFormat.PNG);
        int compression = Checks.or(draft.outputCompression(), usual(format));
        check(wrong, format, compression);
        InvalidRequest.throwIfAny(wrong);
        return new Output(format, compression);
    }

    private static int usual(OutputFormat format) {
        return format == OutputFormat.PNG ? LOSSLESS : USUAL;
    }

    private static void check(List<Violation> wrong, OutputFormat format, int compression) {
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
