package dev.darkroom.access;

import dev.darkroom.job.Database;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcClientAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The keys of the configured database for a process that is no server. */
public final class KeyDatabase implements AutoCloseable {

    /** Not annotated as a configuration: the server's scan of the class path is not to find it. */
    @Import({Database.class, ApiKeys.class})
    @ImportAutoConfiguration({
        DataSourceAutoConfiguration.class,
        DataSourceTransactionManagerAutoConfiguration.class,
        JdbcTemplateAutoConfiguration.class,
        JdbcClientAutoConfiguration.class,
        FlywayAutoConfiguration.class
    })
    @EnableConfigurationProperties(AccessSettings.class)
    static class Beans {

        @Bean
        InstantSource systemClock() {
            return InstantSource.system();
        }
    }

    private final ConfigurableApplicationContext context;

    private KeyDatabase(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /**
     * Opens the database that a server with these settings would use; its tables are made if they are not there.
     *
     * @param settings {@code --name=value}, beside those of the environment and of {@code application.yml}
     * @throws IllegalStateException if a running server has the embedded database open
     */
    public static KeyDatabase open(List<String> settings) {
        SpringApplication application = new SpringApplication(Beans.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        List<String> all = new ArrayList<>(settings);
        all.add("--logging.level.root=error");
        for (String reporter : List.of("SpringApplication", "diagnostics.LoggingFailureAnalysisReporter")) {
            all.add("--logging.level.org.springframework.boot." + reporter + "=off"); // the caller tells of a failure
        }
        try {
            return new KeyDatabase(application.run(all.toArray(String[]::new)));
        } catch (RuntimeException e) {
            if (Database.isInUse(e)) {
                throw new IllegalStateException(
                        "the embedded database is in use by a running server. Either stop the server, do this, and start"
                                + " it; or, for a new key, add --setting: what that prints goes into"
                                + " darkroom.api-keys, which the server reads at its start",
                        e);
            }
            throw e;
        }
    }

    public ApiKeys keys() {
        return context.getBean(ApiKeys.class);
    }

    @Override
    public void close() {
        context.close();
    }
}
