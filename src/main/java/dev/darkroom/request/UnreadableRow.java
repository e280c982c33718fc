package dev.darkroom.request;

/** What a row holds was written by a version of Darkroom that knows more than this one, or is damaged. */
public final class UnreadableRow extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public UnreadableRow(RuntimeException reason) {
        super("a row cannot be read by this version of Darkroom: " + firstLine(reason), reason);
    }

    private static String firstLine(RuntimeException reason) {
        return String.valueOf(reason.getMessage()).lines().findFirst().orElse("");
    }
}
