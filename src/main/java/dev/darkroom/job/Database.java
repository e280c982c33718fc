package dev.darkroom.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Which database it is. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(JobSettings.class)
public class Database {

    /** {@code DATABASE_ALREADY_OPEN_1}, org.h2.api.ErrorCode. */
    private static final int ALREADY_OPEN = 90020;

    /**
     * H2 in {@code data-dir/db}, unless {@code spring.datasource.url} says otherwise. {@code WRITE_DELAY=0}: with its
     * default H2 acknowledges commits that a kill -9 takes back. {@code async:}: a thread that is interrupted while it reads or
     * writes closes H2's plain file, and so the database of all others.
     */
    @Bean
    @ConditionalOnProperty(name = "spring.datasource.url", matchIfMissing = true, havingValue = "h2-in-the-data-dir")
    JdbcConnectionDetails embeddedDatabase(JobSettings settings) {
        Path directory = settings.data().resolve("db");
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create the folder of darkroom.data-dir, " + directory, e);
        }
        String url = "jdbc:h2:async:" + directory.resolve("darkroom")
                + ";WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE;LOCK_TIMEOUT=10000";
        return new JdbcConnectionDetails() {
            @Override
            public String getUsername() {
                return "sa";
            }

            @Override
            public String getPassword() {
                return "";
            }

            @Override
            public String getJdbcUrl() {
                return url;
            }
        };
    }

    /** Whether it failed because another process has the embedded database open. */
    public static boolean isInUse(@Nullable Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && sql.getErrorCode() == ALREADY_OPEN) {
                return true;
            }
        }
        return false;
    }
}
