package dev.darkroom.job;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/** Settings of the frameworks that follow from the role and the database. */
class DerivedSettings implements EnvironmentPostProcessor {

    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        boolean postgres = environment.getProperty("spring.datasource.url", "").startsWith("jdbc:postgresql:");
        String role = environment.getProperty("darkroom.role", "all").toLowerCase(Locale.ROOT);
        if (!postgres && !role.equals("all")) {
            throw new InvalidConfigurationPropertyValueException(
                    "darkroom.role",
                    role,
                    "The embedded database belongs to one process; name a PostgreSQL database in spring.datasource.url.");
        }
        Map<String, Object> derived = new HashMap<>();
        derived.put("db-scheduler.enabled", !role.equals("api"));
        derived.put("db-scheduler.polling-strategy", postgres ? "lock-and-fetch" : "fetch");
        int rows = environment.getProperty("darkroom.max-rows", Integer.class, 8);
        int devices = Math.max(1, environment.getProperty("darkroom.devices", String[].class, new String[0]).length);
        derived.put(
                "db-scheduler.threads", (rows * devices * 3 + 1) / 2); // a job each: on a device or next to be there
        derived.put("springdoc.api-docs.enabled", !role.equals("worker"));
        derived.put("springdoc.swagger-ui.enabled", !role.equals("worker"));
        if (role.equals("worker")) {
            // It has no API, and nothing that callers could be asked for.
            String security = "org.springframework.boot.security.";
            derived.put(
                    "spring.autoconfigure.exclude",
                    String.join(
                            ",",
                            security + "autoconfigure.UserDetailsServiceAutoConfiguration",
                            security + "autoconfigure.actuate.web.servlet.ManagementWebSecurityAutoConfiguration",
                            security + "autoconfigure.web.servlet.SecurityFilterAutoConfiguration",
                            security + "autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration",
                            security
                                    + "oauth2.server.resource.autoconfigure.servlet.OAuth2ResourceServerAutoConfiguration"));
        }
        if (postgres) {
            // Seconds. A server that has vanished without closing its connections is noticed.
            derived.put("spring.datasource.hikari.data-source-properties.connectTimeout", "2");
            derived.put("spring.datasource.hikari.data-source-properties.socketTimeout", "10");
        }
        environment.getPropertySources().addLast(new MapPropertySource("derived", derived));
    }
}
