package dev.darkroom.blobs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/** Pictures as files of a directory, forced to disk. */
public final class DirectoryImageStore implements ImageStore {

    /** Nobody writes on a draft that is as old as this. */
    private static final Duration ABANDONED = Duration.ofMinutes(10);

    private final Path directory;
    private final Path drafts;

    public DirectoryImageStore(Path directory) {
        this.directory = directory;
        this.drafts = directory.resolve("drafts");
    }

    @Override
    public String write(byte[] png) {
        String hash = ImageStore.hash(png);
        Path file = file(hash);
        if (Files.exists(file)) {
            return hash;
        }
        Path folder = directory.resolve(ImageStore.folder(hash));
        try {
            if (Files.notExists(folder)) {
                Files.createDirectories(folder);
                force(directory);
            }
            Files.createDirectories(drafts);
            Path draft = drafts.resolve(hash + "-" + UUID.randomUUID());
            try {
                try (FileChannel channel =
                        FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
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
            force(folder);
        } catch (IOException e) {
            throw failed("write", file, e);
        }
        return hash;
    }

    /** A new name in a folder survives a power cut only when the folder itself is on the disk. */
    private static void force(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public boolean holds(String hash) {
        return Files.exists(file(hash));
    }

    @Override
    public byte[] read(String hash) {
        try {
            return ImageStore.checked(hash, Files.readAllBytes(file(hash)));
        } catch (IOException e) {
            throw failed("read", file(hash), e);
        }
    }

    @Override
    public void delete(String hash) {
        try {
            Files.deleteIfExists(file(hash));
        } catch (IOException e) {
            throw failed("delete", file(hash), e);
        }
    }

    @Override
    public void tidy() {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(drafts)) {
            for (Path draft : all) {
                if (Files.getLastModifiedTime(draft)
                        .toInstant()
                        .isBefore(Instant.now().minus(ABANDONED))) {
                    Files.deleteIfExists(draft);
                }
            }
        } catch (NoSuchFileException e) {
            // Nothing was ever written, or a draft has become a picture meanwhile.
        } catch (IOException e) {
            throw failed("delete", drafts, e);
        }
    }

    private Path file(String hash) {
        return directory.resolve(ImageStore.path(hash));
    }

    private static ImageStoreUnavailable failed(String action, Path file, IOException reason) {
        return new ImageStoreUnavailable("cannot " + action + " the picture " + file + ": " + reason, reason);
    }
}
