package dev.darkroom.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** What follows from a user's settings. */
class DerivedSettingsTests {

    private static final String MANAGEMENT_ADDRESS = "management.server.address";
    private static final String EXCLUDED = "spring.autoconfigure.exclude";

    @Test
    void theManagementPortIsWhereTheApiIs() {
        assertThat(derived(Map.of()).getProperty(MANAGEMENT_ADDRESS)).isNull(); // an empty one would be the loopback
        assertThat(derived(Map.of("server.address", "127.0.0.1")).getProperty(MANAGEMENT_ADDRESS))
                .isEqualTo("127.0.0.1");
        assertThat(derived(Map.of("server.address", "127.0.0.1", MANAGEMENT_ADDRESS, "10.0.0.1"))
                        .getProperty(MANAGEMENT_ADDRESS))
                .isEqualTo("10.0.0.1");
    }

    @Test
    void aSharedPortHasOneAddress() {
        assertThat(derived(Map.of("server.address", "127.0.0.1", "server.port", "80", "management.server.port", "80"))
                        .getProperty(MANAGEMENT_ADDRESS))
                .isNull();
    }

    @Test
    void aWorkerThatIsFrozenWithinATransactionLetsGoOfItsLocks() {
        String sql = "spring.datasource.hikari.connection-init-sql";
        assertThat(derived(Map.of("spring.datasource.url", "jdbc:postgresql://host/database"))
                        .getProperty(sql))
                .contains("idle_in_transaction_session_timeout");
        assertThat(derived(Map.of()).getProperty(sql)).isNull();
    }

    @Test
    void openTelemetryIsLoadedOnlyWhereTracesAreSent() throws ClassNotFoundException {
        String excluded = derived(Map.of()).getRequiredProperty(EXCLUDED);
        assertThat(excluded).contains("OtlpTracingAutoConfiguration");
        for (String name : excluded.split(",")) {
            Class.forName(name); // Spring Boot's, and still there
        }
        assertThat(derived(Map.of("management.opentelemetry.tracing.export.otlp.endpoint", "http://collector"))
                        .getProperty(EXCLUDED))
                .isNull();
    }

    private static StandardEnvironment derived(Map<String, Object> settings) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("given", settings));
        new DerivedSettings().postProcessEnvironment(environment, new SpringApplication());
        return environment;
    }
}
