package dev.darkroom.api;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits of the HTTP API.
 *
 * @param maxStreams so many event streams may be open at a process
 * @param maxStreamsPerCaller so many of them by one key or subject
 * @param maxBodyTime a request's body must have come within this time
 */
@ConfigurationProperties("darkroom")
record ApiSettings(
        @DefaultValue("2000") int maxStreams,
        @DefaultValue("100") int maxStreamsPerCaller,
        @DefaultValue("60s") Duration maxBodyTime) {

    ApiSettings {
        if (maxStreams < 1) {
            throw new IllegalArgumentException("darkroom.max-streams must be at least 1; given: " + maxStreams);
        }
        if (maxBodyTime.isNegative() || maxBodyTime.isZero()) {
            throw new IllegalArgumentException("darkroom.max-body-time must be positive; given: " + maxBodyTime);
        }
        if (maxStreamsPerCaller < 1) {
            throw new IllegalArgumentException(
                    "darkroom.max-streams-per-caller must be at least 1; given: " + maxStreamsPerCaller);
        }
    }
}
