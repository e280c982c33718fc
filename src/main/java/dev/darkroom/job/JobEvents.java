package dev.darkroom.job;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Tells listeners in this process that a job has a new event. The rows are the truth; this is the wake-up to read them.
 * A listener runs on the thread that wrote the event, after its commit, so it must be quick. What other processes write
 * comes in through {@link EventRelay}; a wake-up may come twice, or name a later event than the one that caused it.
 */
@Component
class JobEvents {

    private static final Logger log = LoggerFactory.getLogger(JobEvents.class);

    private final Map<String, List<Consumer<JobEvent.Type>>> listeners = new ConcurrentHashMap<>();
    private final List<BiConsumer<String, JobEvent.Type>> own = new CopyOnWriteArrayList<>();
    private final List<Runnable> arrivals = new CopyOnWriteArrayList<>();

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

    /** Calls the listener for every event that this process writes. */
    void onOwn(BiConsumer<String, JobEvent.Type> listener) {
        own.add(listener);
    }

    /** Calls the listener whenever a job has been queued, by any process. */
    void onArrival(Runnable listener) {
        arrivals.add(listener);
    }

    /** The jobs that somebody here follows. */
    Set<String> subscribed() {
        return Set.copyOf(listeners.keySet());
    }

    /** This process has written and committed an event. */
    void published(String jobId, JobEvent.Type type) {
        own.forEach(listener -> tell(() -> listener.accept(jobId, type)));
        heard(jobId, type);
    }

    /** Some process has. */
    void heard(String jobId, JobEvent.Type type) {
        listeners.getOrDefault(jobId, List.of()).forEach(listener -> tell(() -> listener.accept(type)));
        if (type == JobEvent.Type.QUEUED) {
            arrivals.forEach(JobEvents::tell);
        }
    }

    /** The listener's trouble is not that of the worker whose thread this is. */
    private static void tell(Runnable listener) {
        try {
            listener.run();
        } catch (RuntimeException e) {
            log.warn("A listener to a job's events has failed; it will look at the rows with the next one", e);
        }
    }
}
