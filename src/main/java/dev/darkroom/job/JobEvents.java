package dev.darkroom.job;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.springframework.stereotype.Component;

/**
 * Tells listeners in this process that a job has a new event. The rows are the truth; this is the wake-up to read them.
 * A listener runs on the thread that wrote the event, after its commit, so it must be quick.
 */
@Component
class JobEvents {

    private final Map<String, List<Consumer<JobEvent.Type>>> listeners = new ConcurrentHashMap<>();

    /** @return ends the subscription */
    Runnable subscribe(String jobId, Consumer<JobEvent.Type> listener) {
        listeners.compute(jobId, (id, known) -> {
            List<Consumer<JobEvent.Type>> all = known == null ? new CopyOnWriteArrayList<>() : known;
            all.add(listener);
            return all;
        });
        return () -> listeners.computeIfPresent(jobId, (id, known) -> {
            known.remove(listener);
            return known.isEmpty() ? null : known;
        });
    }

    void published(String jobId, JobEvent.Type type) {
        listeners.getOrDefault(jobId, List.of()).forEach(listener -> listener.accept(type));
    }
}
