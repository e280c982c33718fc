package dev.darkroom.job;

import java.nio.file.Path;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.env.Environment;

/** Says in two lines that another process uses the data directory, instead of with H2's stack trace. */
class DatabaseInUse extends AbstractFailureAnalyzer<SQLException> {

    private final Environment environment;

    DatabaseInUse(Environment environment) {
        this.environment = environment;
    }

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable failure, SQLException cause) {
        if (!Database.isInUse(cause)) {
            return null;
        }
        Path data = Path.of(environment.getProperty("darkroom.data-dir", "./data"))
                .toAbsolutePath()
                .normalize();
        return new FailureAnalysis(
                "The data directory " + data + " is used by another process.",
                "Stop that one, or give this one a directory of its own with --darkroom.data-dir=DIR",
                failure);
    }
}
