package dev.darkroom.api.v1;

import dev.darkroom.api.http.OpenExchanges;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.SharedConnections;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;

/** Requests that wait for a job's end, holding no thread meanwhile. */
@Component
public class Waiting {

    private static final Duration PROBE_EVERY = Duration.ofMillis(100);

    private final Jobs jobs;
    private final OpenExchanges exchanges;
    private final ExecutorService answers = Executors.newCachedThreadPool(new CustomizableThreadFactory("waiting-"));
    private final ScheduledExecutorService probes =
            Executors.newSingleThreadScheduledExecutor(new CustomizableThreadFactory("hang-ups-"));

    Waiting(Jobs jobs, OpenExchanges exchanges) {
        this.jobs = jobs;
        this.exchanges = exchanges;
    }

    /** Completes with the job as it is when it has ended, the time is up, or the server shuts down. */
    public CompletableFuture<Job> forEnd(Job job, Duration atMost) {
        if (job.state().isFinal() || atMost.isZero()) {
            return CompletableFuture.completedFuture(job);
        }
        CompletableFuture<Void> ended = jobs.ended(job.id(), atMost);
        Runnable ending = () -> ended.complete(null);
        exchanges.add(ending);
        String caller = SharedConnections.caller();
        return ended.thenApplyAsync(
                nothing -> {
                    exchanges.remove(ending);
                    AtomicReference<Job> seen = new AtomicReference<>(job);
                    SharedConnections.reading(
                            caller, () -> seen.set(jobs.find(job.id()).orElseThrow()));
                    return seen.get();
                },
                answers);
    }

    /**
     * The same, and the job is canceled if the client hangs up meanwhile.
     *
     * @param hungUp is not asked any more once the answer begins
     */
    public CompletableFuture<Job> forEnd(Job job, Duration atMost, BooleanSupplier hungUp) {
        AtomicBoolean probing = new AtomicBoolean(true);
        ScheduledFuture<?> probe = probes.scheduleWithFixedDelay(
                () -> {
                    synchronized (probing) {
                        if (probing.get() && hungUp.getAsBoolean()) {
                            probing.set(false);
                            answers.execute(() -> jobs.cancel(job.id()));
                        }
                    }
                },
                PROBE_EVERY.toMillis(),
                PROBE_EVERY.toMillis(),
                TimeUnit.MILLISECONDS);
        return forEnd(job, atMost).whenComplete((seen, failure) -> {
            synchronized (probing) {
                probing.set(false);
            }
            probe.cancel(false);
        });
    }

    @PreDestroy
    void close() {
        probes.shutdownNow();
        answers.shutdown();
    }
}
