package dev.darkroom.job;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the job module. The folder is bound as text, since Spring reads a {@code Path} as a class path resource
 * first: {@code ./db} became {@code classes/db}.
 *
 * @param dataDir holds all that survives a restart: {@code db} (the database) and {@code images}
 * @param maxQueued so many jobs may wait; further ones are refused until some are drawn
 */
@ConfigurationProperties("darkroom")
record JobSettings(
        @DefaultValue("./data") String dataDir,
        @DefaultValue("1000") int maxQueued) {

    JobSettings {
        if (maxQueued < 1) {
            throw new IllegalArgumentException("darkroom.max-queued must be at least 1; given: " + maxQueued);
        }
    }

    /** The folder of all data, absolute. */
    Path data() {
        return Path.of(dataDir).toAbsolutePath().normalize();
    }
}
