package dev.darkroom.library.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The right to put a model together, held by one process at a time; the system takes it from one that dies. */
record StagingLock(FileChannel channel) implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StagingLock.class);
    private static final Duration POLL = Duration.ofMillis(500);

    /**
     * Waits until nobody else has it.
     *
     * @param staging the folder that belongs to whoever has the lock, created if need be
     * @return null once {@code target} is there, so that nothing is left to do
     */
    static @Nullable StagingLock acquire(Path staging, Path target, Patience patience)
            throws IOException, InterruptedException {
        boolean told = false;
        while (!Files.exists(target)) {
            Files.createDirectories(staging);
            FileChannel channel = null;
            try {
                channel =
                        FileChannel.open(staging.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                if (channel.tryLock() != null && !Files.exists(target)) {
                    return new StagingLock(channel);
                }
            } catch (NoSuchFileException | OverlappingFileLockException e) {
                // The other one has just finished, or is in this process.
            }
            if (channel != null) {
                channel.close();
            }
            if (!told) {
                log.info("Waiting for another download to {}", target);
                told = true;
            }
            patience.clock().pause(POLL);
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
