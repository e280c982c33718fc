package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageStoreTests {

    @TempDir
    Path data;

    @Test
    void namesAFileByItsContent() throws IOException {
        ImageStore store = new ImageStore(new JobSettings(data.toString(), Role.ALL, 1, Duration.ofDays(7)));
        String hash = store.write("abc".getBytes(StandardCharsets.UTF_8));
        // FIPS 180-2, example B.1
        assertThat(hash).isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThat(store.file(hash)).hasContent("abc");
    }

    @Test
    void keepsOneFileForTheSamePictureAndNoDrafts() throws IOException {
        ImageStore store = new ImageStore(new JobSettings(data.toString(), Role.ALL, 1, Duration.ofDays(7)));
        store.write(new byte[] {1, 2, 3});
        store.write(new byte[] {1, 2, 3});
        assertThat(files()).hasSize(1);
    }

    @Test
    void leavesNothingHalfWrittenWhenTheFolderCannotBeMade() throws IOException {
        Files.writeString(data.resolve("images"), "a file where the folder should be");
        ImageStore store = new ImageStore(new JobSettings(data.toString(), Role.ALL, 1, Duration.ofDays(7)));
        assertThatThrownBy(() -> store.write(new byte[] {1}))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("cannot write the picture");
        assertThat(files()).containsExactly(data.resolve("images"));
    }

    private List<Path> files() throws IOException {
        try (var files = Files.walk(data)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
