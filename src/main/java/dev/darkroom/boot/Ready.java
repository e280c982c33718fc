package dev.darkroom.boot;

import dev.darkroom.observe.Build;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Says in a line of the log that the service is ready, as its readiness probe does, and where it listens. */
@Component
final class Ready {
    private static final Logger log = LoggerFactory.getLogger(Ready.class);

    private static final long BETWEEN_LOOKS = 100; // milliseconds

    private final HealthEndpoint health;
    private final long start = System.nanoTime();
    private final AtomicReference<String> addresses = new AtomicReference<>("");
    private volatile boolean ending;

    Ready(HealthEndpoint health) {
        this.health = health;
    }

    @EventListener
    void listens(WebServerInitializedEvent event) {
        String what = "management".equals(event.getApplicationContext().getServerNamespace()) ? "actuator" : "API";
        Object address = event.getWebServer() instanceof TomcatWebServer tomcat
                ? tomcat.getTomcat().getConnector().getProperty("address")
                : null;
        String host = address == null ? "*" : address.toString().replaceAll("^[^/]*/", "");
        addresses.updateAndGet(others -> (others.isEmpty() ? "" : others + ", ") + what + " on http://"
                + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + event.getWebServer().getPort());
    }

    /** What is waited for is a model, here or at a worker: it may take seconds or an hour. */
    @EventListener(ApplicationReadyEvent.class)
    void await() {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (!ending && !isUp()) {
                            Thread.sleep(BETWEEN_LOOKS);
                        }
                    } catch (InterruptedException e) {
                        return;
                    }
                    if (!ending) {
                        log.info(
                                "Darkroom {} is ready after {} ms: {}",
                                Build.THIS,
                                (System.nanoTime() - start) / 1_000_000,
                                addresses.get());
                    }
                },
                "ready");
        thread.setDaemon(true);
        thread.start();
    }

    @EventListener
    void ends(AvailabilityChangeEvent<ReadinessState> event) {
        ending |= event.getState() == ReadinessState.REFUSING_TRAFFIC;
    }

    private boolean isUp() {
        var readiness = health.healthForPath("readiness");
        return readiness != null && readiness.getStatus().equals(Status.UP);
    }
}
