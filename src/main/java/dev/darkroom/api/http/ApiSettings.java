package dev.darkroom.api.http;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits of the HTTP API.
 *
 * @param maxStreams so many event streams may be open at a process
 * @param maxStreamsPerCaller so many of them by one key or subject
 * @param maxRequestsPerCaller so many requests of one caller are worked on at a time; those that only wait do not count
 * @param maxBodyTime a request's body must have come within this time
 * @param corsOrigins the pages whose scripts may call from a browser, like {@code https://app.example}, or {@code *} for all;
 *     none by default
 * @param openaiModel the model that the names of OpenAI's models stand for; null for the default model, {@value #NO_MODEL}
 *     if they are unknown as any other
 * @param nearestSize where a size that the model does not draw becomes the nearest one that it does; elsewhere it is refused
 */
@ConfigurationProperties("darkroom")
public record ApiSettings(
        @DefaultValue("2000") int maxStreams,
        @DefaultValue("100") int maxStreamsPerCaller,
        @DefaultValue("100") int maxRequestsPerCaller,
        @DefaultValue("60s") Duration maxBodyTime,
        @DefaultValue List<String> corsOrigins,
        @Nullable String openaiModel,
        @DefaultValue("openai") NearestSize nearestSize) {

    static final String NO_MODEL = "none";

    private static final Pattern ORIGIN = Pattern.compile("[a-z][a-z0-9+.-]*://[^/*\\s]+");

    /** The operations that draw the nearest size. */
    public enum NearestSize {
        /** Those in OpenAI's shape, whose clients have fixed sizes. */
        OPENAI,
        ALWAYS,
        NEVER
    }

    public ApiSettings {
        corsOrigins = List.copyOf(corsOrigins);
        for (String origin : corsOrigins) {
            if (!origin.equals("*") && !ORIGIN.matcher(origin).matches()) {
                throw new IllegalArgumentException(
                        "darkroom.cors-origins must list origins like https://app.example:8443, without a path, or *;"
                                + " given: " + origin);
            }
        }
        if (maxStreams < 1) {
            throw new IllegalArgumentException("darkroom.max-streams must be at least 1; given: " + maxStreams);
        }
        if (maxRequestsPerCaller < 1) {
            throw new IllegalArgumentException(
                    "darkroom.max-requests-per-caller must be at least 1; given: " + maxRequestsPerCaller);
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
