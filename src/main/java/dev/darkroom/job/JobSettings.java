package dev.darkroom.job;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the job module.
 *
 * @param dataDir holds all that survives a restart: {@code db} (the database) and {@code images}
 * @param maxQueued so many jobs may wait; further ones are refused until some are drawn
 */
@ConfigurationProperties("darkroom")
record JobSettings(
        @DefaultValue("./data") Path dataDir,
        @DefaultValue("1000") int maxQueued) {

    JobSettings {
        if (maxQueued < 1) {
            throw new IllegalArgumentException("darkroom.max-queued must be at least 1; given: " + maxQueued);
        }
    }
}
