package dev.darkroom.observe;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Properties;

/**
 * Which Darkroom this is.
 *
 * @param version as in the pom
 * @param revision of the source; {@code unknown} where the build was not told
 */
public record Build(String version, String revision) {
    /** This one. */
    public static final Build THIS = read();

    private static Build read() {
        Properties built = new Properties();
        try (InputStream version = Build.class.getResourceAsStream("/META-INF/darkroom.version");
                InputStream file = Build.class.getResourceAsStream("/META-INF/build-info.properties")) {
            if (file != null) { // classes that no Maven compiled have none
                built.load(file);
            }
            return new Build(
                    new String(Objects.requireNonNull(version).readAllBytes(), StandardCharsets.US_ASCII).strip(),
                    built.getProperty("build.revision", "unknown"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For people. */
    @Override
    public String toString() {
        return version + " (" + revision + ")";
    }
}
