package dev.darkroom.worker;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.stereotype.Component;

/** {@code worker} in {@code /actuator/health} and its liveness group: down once no device works any more; details say how each one is. */
@Component
class WorkerHealthIndicator extends AbstractHealthIndicator {

    private final Workers workers;

    WorkerHealthIndicator(Workers workers) {
        this.workers = workers;
    }

    @Override
    protected void doHealthCheck(Health.Builder health) {
        (workers.failed() ? health.down() : health.up()).withDetail("devices", workers.states());
    }
}
