package dev.darkroom.fleet;

import dev.darkroom.request.ModelInfo;
import java.util.List;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.stereotype.Component;

/** {@code models} in {@code /actuator/health} and its readiness group: up once a worker has published a model. */
@Component
class ModelsHealthIndicator extends AbstractHealthIndicator {

    private final Models models;

    ModelsHealthIndicator(Models models) {
        this.models = models;
    }

    /** What is thrown here, when the database does not answer, means down. */
    @Override
    protected void doHealthCheck(Health.Builder health) {
        List<String> served = models.all().stream().map(ModelInfo::id).toList();
        (served.isEmpty() ? health.outOfService() : health.up()).withDetail("models", served);
    }
}
