package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    void leavesNothingHalfWrittenWhenTheFolderCannotBeMade() throws IOException {
        Files.writeString(data.resolve("images"), "a file where the folder should be");
        assertThatThrownBy(() -> store().write(new byte[] {1}))
                .isInstanceOf(ImageStoreUnavailable.class)
                .hasMessageContaining("cannot write the picture");
        assertThat(files()).containsExactly(data.resolve("images"));
    }
}
