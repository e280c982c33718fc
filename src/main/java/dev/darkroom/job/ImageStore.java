package dev.darkroom.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.springframework.stereotype.Component;

/** Pictures as files named by their content: {@code images/ab/abcdef….png}. A file is complete or not there. */
@Component
class ImageStore {

    private final Path directory;

    ImageStore(JobSettings settings) {
        this.directory = settings.data().resolve("images");
    }

    /**
     * Writes a picture and forces it to disk, so that a row may name it.
     *
     * @return SHA-256 of the bytes, hexadecimal: the picture's name
     */
    String write(byte[] png) {
        String hash = HexFormat.of().formatHex(sha256().digest(png));
        Path file = file(hash);
        if (Files.exists(file)) {
            return hash;
        }
        try {
            Files.createDirectories(file.getParent());
            Path draft = Files.createTempFile(file.getParent(), hash, ".part");
            try {
                try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
                    ByteBuffer bytes = ByteBuffer.wrap(png);
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                    channel.force(true);
                }
                Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the picture " + file, e);
        }
        return hash;
    }

    /** Nobody may be writing the same picture meanwhile. */
    void delete(String hash) {
        try {
            Files.deleteIfExists(file(hash));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete the picture " + file(hash), e);
        }
    }

    Path file(String hash) {
        return directory.resolve(folder(hash)).resolve(hash + ".png");
    }

    static String folder(String hash) {
        return hash.substring(0, 2);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
