package dev.darkroom.picture;

/** A file that is no picture we read; the message says what was expected and what was found. */
public final class InvalidPicture extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** What is wrong with it. */
    public enum Reason {
        /** It does not begin like a PNG, JPEG or WebP file. */
        UNKNOWN_FORMAT,
        /** It ends too early, or its parts contradict each other. */
        DAMAGED,
        /** It declares more pixels than we take. */
        TOO_MANY_PIXELS,
        /** It is a picture of a kind that we do not read, an animated one for example. */
        UNSUPPORTED,
        /** What it has as a recipe cannot be read. */
        BAD_RECIPE
    }

    private final Reason reason;

    public InvalidPicture(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }

    public static InvalidPicture damaged(String message) {
        return new InvalidPicture(Reason.DAMAGED, message);
    }
}
