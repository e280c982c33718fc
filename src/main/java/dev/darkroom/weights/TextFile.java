package dev.darkroom.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads a checkpoint's text files: UTF-8, of bounded size. */
public final class TextFile {
    /** Larger than any tokenizer, config, index or header of the checkpoints we read. */
    static final int MAX_BYTES = 16 << 20;

    private TextFile() {}

    /**
     * @param kind what the file should be, for the error, such as "a list of merges"
     * @throws InvalidCheckpoint if it is missing, too large or not UTF-8
     * @throws UncheckedIOException if it cannot be read
     */
    public static String read(Path file, String kind) {
        if (!Files.isRegularFile(file)) {
            throw InvalidCheckpoint.ofFile(file, kind, OtherFile.missing(file));
        }
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw InvalidCheckpoint.ofFile(
                        file, kind + " of at most " + MAX_BYTES + " bytes", Files.size(file) + " bytes");
            }
            OtherFile.found(file).ifPresent(found -> {
                throw InvalidCheckpoint.ofFile(file, kind, found);
            });
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw InvalidCheckpoint.ofFile(file, kind + " in UTF-8", "bytes that are not UTF-8");
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }
}
