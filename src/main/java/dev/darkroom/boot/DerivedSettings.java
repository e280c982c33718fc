package dev.darkroom.boot;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/** Settings of the frameworks that follow from the role, the database, the API's address and where traces go. */
class DerivedSettings implements EnvironmentPostProcessor {

    /** Nothing of OpenTelemetry is loaded where traces go nowhere. */
    private static final List<String> TRACING = List.of(
            "org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.autoconfigure.NoopTracerAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.autoconfigure.prometheus.PrometheusExemplarsAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.otlp.OtlpTracingAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.logging.OpenTelemetryLoggingAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.logging.otlp.OtlpLoggingAutoConfiguration");

    /** A worker has no API, and nothing that callers could be asked for. */
    private static final List<String> SECURITY = List.of(
            "org.springframework.boot.security.autoconfigure.UserDetailsServiceAutoConfiguration",
            "org.springframework.boot.security.autoconfigure.actuate.web.servlet.ManagementWebSecurityAutoConfiguration",
            "org.springframework.boot.security.autoconfigure.web.servlet.SecurityFilterAutoConfiguration",
            "org.springframework.boot.security.autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration",
            "org.springframework.boot.security.oauth2.server.resource.autoconfigure.servlet.OAuth2ResourceServerAutoConfiguration");

    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        boolean postgres = environment.getProperty("spring.datasource.url", "").startsWith("jdbc:postgresql:");
        String role = environment.getProperty("darkroom.role", "all").toLowerCase(Locale.ROOT);
        if (!postgres && List.of("api", "worker").contains(role)) {
            throw new InvalidConfigurationPropertyValueException(
                    "darkroom.role",
                    role,
                    "The embedded database belongs to one process; name a PostgreSQL database in spring.datasource.url.");
        }
        Map<String, Object> derived = new HashMap<>();
        derived.put("springdoc.api-docs.enabled", !role.equals("worker"));
        derived.put("springdoc.swagger-ui.enabled", !role.equals("worker"));
        List<String> excluded = new ArrayList<>();
        if (role.equals("worker")) {
            excluded.addAll(SECURITY);
        }
        if (!environment.containsProperty("management.opentelemetry.tracing.export.otlp.endpoint")) {
            derived.put("management.tracing.export.enabled", false); // otherwise lines of the log have a column for ids
            excluded.addAll(TRACING);
        }
        if (!excluded.isEmpty()) {
            derived.put("spring.autoconfigure.exclude", String.join(",", excluded));
        }
        String address = environment.getProperty("server.address");
        boolean ownPort = !environment
                .getProperty("management.server.port", "8081")
                .equals(environment.getProperty("server.port", "8080"));
        if (address != null && ownPort) {
            derived.put("management.server.address", address);
        }
        if (postgres) {
            // Seconds. A server that has vanished without closing its connections is noticed.
            derived.put("spring.datasource.hikari.data-source-properties.connectTimeout", "2");
            derived.put("spring.datasource.hikari.data-source-properties.socketTimeout", "10");
            // A worker that is frozen within a transaction keeps its job's row locked, and its connection does not
            // break.
            derived.put(
                    "spring.datasource.hikari.connection-init-sql", "set idle_in_transaction_session_timeout = '10s'");
        }
        environment.getPropertySources().addLast(new MapPropertySource("derived", derived));
    }
}
