package dev.darkroom.blobs;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * The store of pictures, and whether it took the last one that was written: {@code images} in {@code /actuator/health}. It is
 * not part of readiness: requests are accepted while it is away, and no restart brings it back.
 */
public final class WatchedImageStore implements ImageStore, HealthIndicator, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(WatchedImageStore.class);

    private record Away(Instant since, String reason) {}

    private final ImageStore store;
    private final String location;
    private final AtomicReference<@Nullable Away> away = new AtomicReference<>();

    /** @param location for people */
    public WatchedImageStore(ImageStore store, String location) {
        this.store = store;
        this.location = location;
    }

    @Override
    public String write(byte[] png) {
        try {
            String hash = store.write(png);
            Away before = away.getAndSet(null);
            if (before != null) {
                Duration time = Duration.between(before.since, Instant.now());
                log.info("The store of pictures, {}, takes pictures again, after {} s", location, time.toSeconds());
            }
            return hash;
        } catch (ImageStoreUnavailable e) {
            Away now = new Away(Instant.now(), String.valueOf(e.getMessage()));
            if (away.compareAndSet(null, now)) {
                log.warn("The store of pictures, {}, takes no pictures; finished ones wait: {}", location, now.reason);
            }
            throw e;
        }
    }

    public boolean isAway() {
        return away.get() != null;
    }

    @Override
    public Health health() {
        Away now = away.get();
        return now == null
                ? Health.up().withDetail("location", location).build()
                : Health.down()
                        .withDetail("location", location)
                        .withDetail("since", now.since)
                        .withDetail("reason", now.reason)
                        .build();
    }

    @Override
    public boolean holds(String hash) {
        return store.holds(hash);
    }

    @Override
    public byte[] read(String hash) {
        return store.read(hash);
    }

    @Override
    public void delete(String hash) {
        store.delete(hash);
    }

    @Override
    public void tidy() {
        store.tidy();
    }

    @Override
    public void close() throws Exception {
        if (store instanceof AutoCloseable closeable) {
            closeable.close();
        }
    }
}
