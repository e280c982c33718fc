package dev.darkroom.worker;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.stereotype.Component;

/** {@code worker} in {@code /actuator/health} and its liveness group: down once the device worker has failed. */
@Component
class WorkerHealthIndicator extends AbstractHealthIndicator {

    private final DeviceWorker worker;

    WorkerHealthIndicator(DeviceWorker worker) {
        this.worker = worker;
    }

    @Override
    protected void doHealthCheck(Health.Builder health) {
        if (worker.failed()) {
            health.down();
        } else {
            health.up();
        }
    }
}
