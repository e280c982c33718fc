package dev.darkroom.job;

import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.JobOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.springframework.stereotype.Component;

/** The jobs, as clients see them. */
@Component
public class Jobs {

    private final JobStore store;
    private final QueueEntries queue;
    private final Forecast forecast;
    private final JobEvents events;
    private final ImageStore files;
    private final JobSettings settings;

    Jobs(
            JobStore store,
            QueueEntries queue,
            Forecast forecast,
            JobEvents events,
            ImageStore files,
            JobSettings settings) {
        this.store = store;
        this.queue = queue;
        this.forecast = forecast;
        this.events = events;
        this.files = files;
        this.settings = settings;
    }

    /**
     * Accepts a job: when this returns, the job survives a crash.
     *
     * @param caller who posts it, at most 200 characters: jobs of different callers take turns
     * @param quota how much the caller may ask for
     * @throws QueueFull when too many jobs wait
     * @throws QuotaExceeded when the caller asks for more than it may
     */
    public Job submit(ImageSpec spec, JobOptions options, String caller, Quota quota) {
        if (store.count(JobState.QUEUED) >= settings.maxQueued()) {
            throw new QueueFull(settings.maxQueued(), forecast.retryAfter());
        }
        return store.insert(spec, options, caller, quota, queue::add);
    }

    /** What lies before the job. */
    public Outlook outlook(Job job) {
        return forecast.of(job);
    }

    public Optional<Job> find(String id) {
        return store.find(id);
    }

    /** Who posted a job. */
    public Optional<String> caller(String id) {
        return store.caller(id);
    }

    /**
     * Cancels a job: at once if it waits, within one sampling step if it is running, not at all if it has ended.
     *
     * @return the job after that
     */
    public Optional<Job> cancel(String id) {
        store.cancel(id);
        Optional<Job> job = store.find(id);
        if (job.isPresent() && job.get().state() == JobState.CANCELED) {
            queue.remove(id);
        }
        return job;
    }

    /** What happened to a job after event {@code sequence}, in order. */
    public List<JobEvent> eventsAfter(String id, long sequence) {
        return store.eventsAfter(id, sequence);
    }

    /**
     * Calls the listener after each new event of the job, on the thread that wrote it or heard of it; sometimes also
     * without one, so the listener looks at {@link #eventsAfter}.
     *
     * @return ends the subscription
     */
    public Runnable subscribe(String id, Consumer<JobEvent.Type> listener) {
        return events.subscribe(id, listener);
    }

    /** Completes when the job has ended or the time is up, whichever comes first; asks nobody whether the id exists. */
    public CompletableFuture<Void> ended(String id, Duration atMost) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        Runnable unsubscribe = events.subscribe(id, type -> {
            if (type.isFinal()) {
                ended.complete(null);
            }
        });
        ended.whenComplete((nothing, error) -> unsubscribe.run());
        if (store.find(id).map(job -> job.state().isFinal()).orElse(true)) {
            ended.complete(null);
        }
        return ended.completeOnTimeout(null, atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * A finished picture as PNG.
     *
     * @throws ImageStoreUnavailable if it cannot be had now
     */
    public byte[] picture(Job.Image image) {
        return files.read(image.hash());
    }
}
