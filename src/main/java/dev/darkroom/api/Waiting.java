package dev.darkroom.api;

import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;

/** Requests that wait for a job's end, holding no thread meanwhile. */
@Component
class Waiting {

    private final Jobs jobs;
    private final OpenExchanges exchanges;
    private final ExecutorService answers = Executors.newCachedThreadPool(new CustomizableThreadFactory("waiting-"));

    Waiting(Jobs jobs, OpenExchanges exchanges) {
        this.jobs = jobs;
        this.exchanges = exchanges;
    }

    /** Completes with the job as it is when it has ended, the time is up, or the server shuts down. */
    CompletableFuture<Job> forEnd(Job job, Duration atMost) {
        if (job.state().isFinal() || atMost.isZero()) {
            return CompletableFuture.completedFuture(job);
        }
        CompletableFuture<Void> ended = jobs.ended(job.id(), atMost);
        Runnable ending = () -> ended.complete(null);
        exchanges.add(ending);
        return ended.thenApplyAsync(
                nothing -> {
                    exchanges.remove(ending);
                    return jobs.find(job.id()).orElseThrow();
                },
                answers);
    }

    @PreDestroy
    void close() {
        answers.shutdown();
    }
}
