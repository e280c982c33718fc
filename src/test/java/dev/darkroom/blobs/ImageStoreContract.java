package dev.darkroom.blobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What every store of pictures does. The files that it leaves are looked at behind its back. */
abstract class ImageStoreContract {
    // FIPS 180-2, example B.1
    private static final byte[] ABC = "abc".getBytes(StandardCharsets.UTF_8);
    private static final String ABC_HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    abstract ImageStore store();

    /** The directory below which the pictures are, {@code ab/abcdef….png}. */
    abstract Path pictures();

    @Test
    void namesAPictureByItsContent() throws IOException {
        assertThat(store().write(ABC)).isEqualTo(ABC_HASH);
        assertThat(pictures().resolve("ba").resolve(ABC_HASH + ".png")).hasContent("abc");
    }

    @Test
    void givesBackWhatWasWritten() {
        byte[] large = new byte[3 << 20];
        new Random(1).nextBytes(large);
        for (byte[] picture : List.of(ABC, large, new byte[0])) {
            assertThat(store().read(store().write(picture))).isEqualTo(picture);
        }
    }

    @Test
    void knowsWhatItHolds() {
        assertThat(store().holds(ABC_HASH)).isFalse();
        store().write(ABC);
        assertThat(store().holds(ABC_HASH)).isTrue();
        store().delete(ABC_HASH);
        assertThat(store().holds(ABC_HASH)).isFalse();
    }

    @Test
    void deletesWhatIsNotThere() {
        store().delete(ABC_HASH);
        store().delete(ABC_HASH);
        assertThat(store().holds(ABC_HASH)).isFalse();
    }

    @Test
    void keepsOneFileForTheSamePictureAndNoDrafts() throws IOException {
        store().write(ABC);
        store().write(ABC);
        assertThat(files()).singleElement().asString().endsWith(ABC_HASH + ".png");
    }

    @Test
    void saysThatAPictureIsMissing() {
        assertThatThrownBy(() -> store().read(ABC_HASH))
                .isInstanceOf(ImageStoreUnavailable.class)
                .hasMessageContaining("cannot read the picture")
                .hasMessageContaining(ABC_HASH);
    }

    @Test
    void neverGivesADamagedPicture() throws IOException {
        store().write(ABC);
        Files.writeString(pictures().resolve("ba").resolve(ABC_HASH + ".png"), "abd");
        assertThatThrownBy(() -> store().read(ABC_HASH))
                .isInstanceOf(ImageStoreUnavailable.class)
                .hasMessageContaining(ABC_HASH);
    }

    @Test
    void manyMayWriteTheSamePicture() throws Exception {
        byte[] picture = new byte[1 << 20];
        new Random(2).nextBytes(picture);
        ExecutorService writers = Executors.newFixedThreadPool(8);
        try {
            List<Callable<String>> writes = Stream.generate(() -> (Callable<String>) () -> store().write(picture))
                    .limit(24)
                    .toList();
            for (Future<String> write : writers.invokeAll(writes)) {
                assertThat(store().read(write.get())).isEqualTo(picture);
            }
        } finally {
            writers.shutdownNow();
        }
        assertThat(files()).hasSize(1);
    }

    List<Path> files() throws IOException {
        if (!Files.exists(pictures())) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(pictures())) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
