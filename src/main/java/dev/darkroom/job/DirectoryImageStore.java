package dev.darkroom.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Pictures as files of a directory, forced to disk. */
final class DirectoryImageStore implements ImageStore {
    private final Path directory;

    DirectoryImageStore(Path directory) {
        this.directory = directory;
    }

    @Override
    public String write(byte[] png) {
        String hash = ImageStore.hash(png);
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
            throw failed("write", file, e);
        }
        return hash;
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

    private Path file(String hash) {
        return directory.resolve(ImageStore.path(hash));
    }

    private static ImageStoreUnavailable failed(String action, Path file, IOException reason) {
        return new ImageStoreUnavailable("cannot " + action + " the picture " + file + ": " + reason, reason);
    }
}
