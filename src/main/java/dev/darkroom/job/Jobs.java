package dev.darkroom.job;

import dev.darkroom.blobs.ImageStore;
import dev.darkroom.blobs.ImageStoreUnavailable;
import dev.darkroom.fleet.Models;
import dev.darkroom.request.Cost;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;

/** The jobs, as clients see them. */
@Component
public class Jobs {

    private final JobStore store;
    private final QueueEntries queue;
    private final Models models;
    private final Forecast forecast;
    private final JobEvents events;
    private final ImageStore files;
    private final JobSettings settings;
    private final IdempotencyKeys keys;
    private final InstantSource clock;

    Jobs(
            JobStore store,
            QueueEntries queue,
            Models models,
            Forecast forecast,
            JobEvents events,
            ImageStore files,
            JobSettings settings,
            IdempotencyKeys keys,
            InstantSource clock) {
        this.store = store;
        this.queue = queue;
        this.models = models;
        this.forecast = forecast;
        this.events = events;
        this.files = files;
        this.settings = settings;
        this.keys = keys;
        this.clock = clock;
    }

    /**
     * Accepts a job: when this returns, the job survives a crash.
     *
     * @param caller who posts it, at most 200 characters: jobs of different callers take turns
     * @param quota how much the caller may ask for
     * @throws QueueFull when too many jobs wait
     * @throws QuotaExceeded when the caller asks for more than it may
     */
    public Job submit(Request request, JobOptions options, String caller, Quota quota) {
        checkRoom();
        return store.insert(request, cost(request), options, caller, quota, queue::add);
    }

    /**
     * Accepts a job that its key stands for from now on, or finds the job that it stands for already: of requests that come
     * at the same moment, to whichever process, one is accepted.
     *
     * @throws QueueFull when too many jobs wait
     * @throws IdempotencyKey.Reused if the key stands for another request
     */
    public Job submit(Request request, JobOptions options, IdempotencyKey key, Quota quota) {
        Optional<Job> earlier = find(key);
        if (earlier.isPresent()) {
            return earlier.get();
        }
        checkRoom();
        try {
            return store.insert(request, cost(request), options, key.caller(), quota, (id, startTag) -> {
                keys.insert(key, id, clock.instant());
                queue.add(id, startTag);
            });
        } catch (DuplicateKeyException e) {
            return find(key).orElseThrow(() -> e);
        }
    }

    /**
     * The job that the key stands for.
     *
     * @throws IdempotencyKey.Reused if the key stands for another request
     */
    public Optional<Job> find(IdempotencyKey key) {
        return keys.job(key).flatMap(store::find);
    }

    /**
     * Keeps an answer to the request that the key stands for, before it is given.
     *
     * @return what was kept first, which is to be given to everybody
     */
    public IdempotencyKey.Answer firstAnswer(IdempotencyKey key, IdempotencyKey.Answer answer) {
        return Objects.requireNonNullElse(keys.first(key, answer), answer);
    }

    private Cost cost(Request request) {
        return Cost.of(
                request,
                models.find(request.model()).map(ModelInfo::guidanceEmbedded).orElse(false));
    }

    private void checkRoom() {
        if (store.count(JobState.QUEUED) >= settings.maxQueued()) {
            throw new QueueFull(settings.maxQueued(), forecast.retryAfter());
        }
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
     * The jobs that a caller has posted, newest first.
     *
     * @param states those in one of these
     * @param before only jobs older than this one, which need not be there any more; null for the newest
     */
    public List<Job> list(String caller, Collection<JobState> states, @Nullable String before, int atMost) {
        return store.list(caller, states, before, atMost);
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
