package dev.darkroom.blobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryImageStoreTests extends ImageStoreContract {
    @TempDir
    Path data;

    @Override
    ImageStore store() {
        return new DirectoryImageStore(pictures());
    }

    @Override
    Path pictures() {
        return data.resolve("images");
    }

    @Test
    void whatAKilledProcessLeftHalfWrittenIsRemovedAfterTenMinutesAndWhatIsBeingWrittenStays() throws IOException {
        String hash = store().write(new byte[] {1});
        Path drafts = data.resolve("images/drafts");
        Path left = Files.write(drafts.resolve("left"), new byte[] {2});
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofMinutes(11))));
        Path writing = Files.write(drafts.resolve("writing"), new byte[] {3});
        store().tidy();
        assertThat(left).doesNotExist();
        assertThat(writing).exists();
        assertThat(store().read(hash)).containsExactly(1);
    }

    @Test
    void leavesNothingHalfWrittenWhenTheFolderCannotBeMade() throws IOException {
        Files.writeString(data.resolve("images"), "a file where the folder should be");
        assertThatThrownBy(() -> store().write(new byte[] {1}))
                .isInstanceOf(ImageStoreUnavailable.class)
                .hasMessageContaining("cannot write the picture");
        assertThat(files()).containsExactly(data.resolve("images"));
    }
}
