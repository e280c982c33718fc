package dev.darkroom.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** What people have in place of a checkpoint's file, and what they can do about it. */
final class OtherFile {
    private static final int START = 512;

    private OtherFile() {}

    /** Why there is no regular file. */
    static String missing(Path file) {
        if (!Files.isSymbolicLink(file)) {
            return Files.isDirectory(file) ? "no such file but a folder" : "no such file";
        }
        try {
            return "no such file: a link to " + Files.readSymbolicLink(file) + ", where no file lies";
        } catch (IOException e) {
            return "no such file: a link that cannot be read";
        }
    }

    /**
     * A file's content, if it is one of those that are not a checkpoint's: a Git LFS pointer, a web page, a compressed or
     * pickled file.
     */
    static Optional<String> found(Path file) {
        String start = start(file);
        String text = start.startsWith("\ufeff") ? start.substring(1).strip() : start.strip();
        String lower = text.toLowerCase(Locale.ROOT);
        if (text.startsWith("version https://git-lfs.github.com/")) {
            return Optional.of(
                    "a Git LFS pointer instead of the file (run \"git lfs pull\" where it was cloned, or download"
                            + " the file itself)");
        }
        if (lower.startsWith("<!doctype html") || lower.startsWith("<html") || lower.startsWith("<?xml")) {
            return Optional.of("a web page instead of the file (download it again, signed in if it is a gated model)");
        }
        if (start.startsWith("PK\u0003\u0004") || start.startsWith("\u0080\u0002")) {
            return Optional.of("a pickled PyTorch file or a ZIP archive; convert it to safetensors");
        }
        if (start.startsWith("\u001f\u008b")) {
            return Optional.of("a gzip file; decompress it");
        }
        return Optional.empty();
    }

    /** A text where there should be none, such as a hub's "Entry not found". */
    static Optional<String> text(Path file) {
        String start = start(file);
        String line = start.lines().findFirst().orElse("");
        boolean printable = line.length() >= 4 && line.chars().allMatch(c -> c >= ' ' && c <= '~');
        return printable
                ? Optional.of("a text that begins with \"" + line.substring(0, Math.min(80, line.length()))
                        + "\" (download the file again)")
                : Optional.empty();
    }

    /** The first bytes as characters of ISO 8859-1, a UTF-8 byte order mark as such. */
    private static String start(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            String start = new String(in.readNBytes(START), StandardCharsets.ISO_8859_1);
            return start.startsWith("\u00ef\u00bb\u00bf") ? "\ufeff" + start.substring(3) : start;
        } catch (IOException e) {
            return "";
        }
    }
}
