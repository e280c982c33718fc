package dev.darkroom.job;

import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the job module. The folder is bound as text, since Spring reads a {@code Path} as a class path resource
 * first: {@code ./db} became {@code classes/db}.
 *
 * @param dataDir holds all that survives a restart: {@code db} (the database, unless another is named) and {@code images}
 * @param role what this process does; {@code api} and {@code worker} need a database that processes can share
 * @param maxQueued so many jobs may wait; further ones are refused until some are drawn
 * @param heartbeat so often a worker says that it lives; after six that are missing its jobs go on with others
 * @param retention ended jobs, their events and their pictures are deleted after this time
 */
@ConfigurationProperties("darkroom")
record JobSettings(
        @DefaultValue("./data") String dataDir,
        @DefaultValue("all") Role role,
        @DefaultValue("1000") int maxQueued,
        @DefaultValue("5s") Duration heartbeat,
        @DefaultValue("7d") Duration retention) {

    JobSettings {
        if (maxQueued < 1) {
            throw new IllegalArgumentException("darkroom.max-queued must be at least 1; given: " + maxQueued);
        }
        if (heartbeat.toMillis() < 100) {
            throw new IllegalArgumentException("darkroom.heartbeat must be at least 100ms; given: " + heartbeat);
        }
        if (retention.isNegative() || retention.isZero()) {
            throw new IllegalArgumentException("darkroom.retention must be positive; given: " + retention);
        }
    }

    /** The folder of all data, absolute. */
    Path data() {
        return Path.of(dataDir).toAbsolutePath().normalize();
    }
}
