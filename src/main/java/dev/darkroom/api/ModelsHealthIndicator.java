package dev.darkroom.api;

import dev.darkroom.job.Models;
import dev.darkroom.spec.ModelInfo;
import java.util.List;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** {@code models} in {@code /actuator/health} and its readiness group: up once a worker has published a model. */
@Component
class ModelsHealthIndicator implements HealthIndicator {

    private final Models models;

    ModelsHealthIndicator(Models models) {
        this.models = models;
    }

    @Override
    public Health health() {
        List<String> served = models.all().stream().map(ModelInfo::id).toList();
        return (served.isEmpty() ? Health.outOfService() : Health.up())
                .withDetail("models", served)
                .build();
    }
}
