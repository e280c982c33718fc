package dev.darkroom.blobs;

import java.net.URI;
import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where pictures are kept.
 *
 * @param dataDir holds {@code images}, unless {@code images} names another place
 * @param images a directory, or {@code s3://bucket/prefix}, which processes on several machines need; empty for the data
 *     directory
 */
@ConfigurationProperties("darkroom")
public record ImageSettings(
        @DefaultValue("./data") String dataDir,
        @DefaultValue("") String images,
        @DefaultValue S3 s3) {

    /**
     * @param endpoint address of a store other than Amazon's, whose buckets are paths
     * @param region a store other than Amazon's has none, but signatures need one
     */
    record S3(
            @DefaultValue("") String endpoint,
            @DefaultValue("us-east-1") String region) {

        S3 {
            if (!endpoint.isEmpty() && !endpoint.matches("https?://[^/\\s].*")) {
                throw new IllegalArgumentException(
                        "darkroom.s3.endpoint must be an http or https address; given: \"" + endpoint + "\"");
            }
        }
    }

    public ImageSettings {
        if (images.contains("://") && !images.matches("s3://[a-z0-9][a-z0-9.-]+(/[^\\s?#%]*)?")) {
            throw new IllegalArgumentException(
                    "darkroom.images must be a directory or s3://bucket/prefix; given: \"" + images + "\"");
        }
    }

    /** Where pictures are, for people. */
    public String location() {
        return images.startsWith("s3://") ? images : directory().toString();
    }

    public ImageStore open() {
        if (images.startsWith("s3://")) {
            return new S3ImageStore(URI.create(images), s3.endpoint(), s3.region());
        }
        return new DirectoryImageStore(directory());
    }

    private Path directory() {
        Path directory = images.isEmpty() ? Path.of(dataDir, "images") : Path.of(images);
        return directory.toAbsolutePath().normalize();
    }
}
