package dev.darkroom.request;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The kinds of picture files, by the names requests use. */
public enum OutputFormat {
    PNG("png"),
    JPEG("jpg"),
    WEBP("webp");

    private final String extension;

    OutputFormat(String extension) {
        this.extension = extension;
    }

    /** The name in requests and answers, for example {@code jpeg}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** For example {@code image/jpeg}. */
    public String mediaType() {
        return "image/" + id();
    }

    /** The usual ending of file names, for example {@code jpg}. */
    public String extension() {
        return extension;
    }

    public static Optional<OutputFormat> of(String id) {
        return Arrays.stream(values()).filter(format -> format.id().equals(id)).findFirst();
    }

    /** By the ending of a file's name, {@code jpeg} as well as {@code jpg}, in any case. */
    public static Optional<OutputFormat> ofFileName(String name) {
        String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(format ->
                        name.indexOf('.') >= 0 && (ending.equals(format.extension) || ending.equals(format.id())))
                .findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(OutputFormat::id).toList();
    }
}
