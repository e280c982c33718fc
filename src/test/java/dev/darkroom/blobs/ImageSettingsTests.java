package dev.darkroom.blobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class ImageSettingsTests {
    @TempDir
    Path data;

    @Test
    void picturesAreInTheDataDirectoryByDefault() {
        ImageStore store = bind(Map.of("darkroom.data-dir", data.toString())).open();
        String hash = store.write(new byte[] {1});
        assertThat(data.resolve("images").resolve(ImageStore.path(hash))).isRegularFile();
    }

    @Test
    void aDirectoryOfTheirOwn() {
        ImageStore store = bind(Map.of(
                        "darkroom.images", data.resolve("elsewhere").toString()))
                .open();
        String hash = store.write(new byte[] {1});
        assertThat(data.resolve("elsewhere").resolve(ImageStore.path(hash))).isRegularFile();
    }

    @Test
    void everySettingIsRead() {
        ImageSettings settings = bind(Map.of(
                "darkroom.data-dir", "/d",
                "darkroom.images", "s3://bucket/a/b",
                "darkroom.s3.endpoint", "https://store:9000",
                "darkroom.s3.region", "eu-central-1"));
        assertThat(settings)
                .isEqualTo(new ImageSettings(
                        "/d", "s3://bucket/a/b", new ImageSettings.S3("https://store:9000", "eu-central-1")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://bucket", "s3://", "s3:///key", "s3://Bucket", "s3://b/a?b", "S3://bucket"})
    void refusesPlacesThatAreNone(String images) {
        assertThatThrownBy(() -> bind(Map.of("darkroom.images", images)))
                .rootCause()
                .hasMessage("darkroom.images must be a directory or s3://bucket/prefix; given: \"" + images + "\"");
    }

    @Test
    void refusesAnEndpointThatIsNoAddress() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.s3.endpoint", "store:9000")))
                .rootCause()
                .hasMessageContaining("darkroom.s3.endpoint must be an http or https address");
    }

    private static ImageSettings bind(Map<String, String> settings) {
        return new Binder(new MapConfigurationPropertySource(settings)).bindOrCreate("darkroom", ImageSettings.class);
    }
}
