package dev.darkroom.api.http;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Answers that are still open because a client waits for a job. They are brought to an end when the server shuts down,
 * since a graceful shutdown would wait its whole timeout for them.
 */
@Component
public class OpenExchanges {

    private final Set<Runnable> endings = ConcurrentHashMap.newKeySet();
    private volatile boolean closing;

    /** @param ending brings the exchange to an end; must bear being called twice */
    public void add(Runnable ending) {
        endings.add(ending);
        if (closing) {
            ending.run();
        }
    }

    public void remove(Runnable ending) {
        endings.remove(ending);
    }

    @EventListener(ContextClosedEvent.class)
    void close() {
        closing = true;
        endings.forEach(Runnable::run);
    }
}
