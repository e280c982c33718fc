package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.fleet.Models;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Quota;
import dev.darkroom.request.Draft;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Priority;
import dev.darkroom.request.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** One caller with many jobs beside one with few, on one device of 8 rows. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = "stub.step-time=50ms")
class FairnessTests {

    private static final Duration LONG = Duration.ofSeconds(120);
    private static final int STEPS = 20;

    /** What starting a job and noticing its end may add on a busy machine: five steps. */
    private static final Duration SLACK = Duration.ofMillis(250);

    @Autowired
    private Jobs jobs;

    @Autowired
    private Models models;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) {
        registry.add(
                "darkroom.data-dir", () -> ServerProcess.freshData("fairness").toString());
    }

    /** Eight jobs are drawn at a time; who came first would have all 40 drawn before. */
    @Test
    void aCallerWithFewJobsDoesNotWaitForOneWithMany() {
        await().atMost(LONG).until(() -> !models.all().isEmpty());
        List<String> heavy = submit("heavy", 40, 1, Priority.NORMAL);
        await().atMost(LONG).until(() -> jobs.find(heavy.get(8)).orElseThrow().startedAt() != null);
        List<Job> light = ended(submit("light", 5, 1, Priority.NORMAL));
        heavy.forEach(jobs::cancel);
        assertThat(light)
                .allSatisfy(job -> assertThat(startedBefore(job, ended(heavy))).isLessThan(16));
    }

    /** How many of the jobs were begun while this one waited. */
    private static long startedBefore(Job waiting, List<Job> others) {
        return others.stream()
                .map(Job::startedAt)
                .filter(Objects::nonNull)
                .filter(start -> start.isAfter(waiting.createdAt()) && start.isBefore(waiting.startedAt()))
                .count();
    }

    /** With guidance a picture takes two rows. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 4})
    @Tag("endurance")
    void aCallerWithFiveJobsDoesNotWaitForOneWith200(double guidance) {
        measure(200, guidance);
    }

    private void measure(int many, double guidance) {
        await().atMost(LONG).until(() -> !models.all().isEmpty());
        List<Job> alone = ended(submit("light", 5, guidance, Priority.NORMAL));
        Duration aloneWait = p95Wait(alone);
        Duration job = Duration.between(alone.get(0).startedAt(), alone.get(0).finishedAt());

        List<String> heavy = submit("heavy", many, guidance, Priority.NORMAL);
        await().atMost(LONG).until(() -> jobs.find(heavy.get(8)).orElseThrow().startedAt() != null);
        List<Job> light = ended(submit("light", 5, guidance, Priority.NORMAL));
        Duration wait = p95Wait(light);
        long left = heavy.stream()
                .filter(id -> !jobs.find(id).orElseThrow().state().isFinal())
                .count();
        System.out.printf(
                "guidance %.0f: alone p95 wait %d ms, a job %d ms; beside %d jobs (%d left) p95 wait %d ms%n",
                guidance, aloneWait.toMillis(), job.toMillis(), many, left, wait.toMillis());
        assertThat(left).isPositive();
        assertThat(wait).isLessThanOrEqualTo(aloneWait.multipliedBy(2).plus(job).plus(SLACK));
        heavy.forEach(jobs::cancel);
        ended(heavy);
    }

    @Test
    void highPriorityGoesAheadOfLowEvenIfThatIsHeldAlready() {
        await().atMost(LONG).until(() -> !models.all().isEmpty());
        List<String> low = submit("someone", 30, 1, Priority.LOW);
        await().atMost(LONG).until(() -> jobs.find(low.get(7)).orElseThrow().startedAt() != null);
        List<Job> high = ended(submit("someone", 4, 1, Priority.HIGH));
        low.forEach(jobs::cancel);
        assertThat(high)
                .allSatisfy(job -> assertThat(startedBefore(job, ended(low))).isLessThan(11)); // of 22
    }

    private List<String> submit(String caller, int n, double guidance, Priority priority) {
        Request request = Request.of(
                Draft.of(Map.of("prompt", "an apple", "steps", STEPS, "guidance_scale", guidance)),
                models.all().get(0));
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            ids.add(jobs.submit(request, new JobOptions(priority, null), caller, Quota.NONE)
                    .id());
        }
        return ids;
    }

    private List<Job> ended(List<String> ids) {
        await().atMost(LONG)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> ids.stream()
                        .allMatch(id -> jobs.find(id).orElseThrow().state().isFinal()));
        return ids.stream().map(id -> jobs.find(id).orElseThrow()).toList();
    }

    private static Duration p95Wait(List<Job> ended) {
        List<Duration> waits = ended.stream()
                .map(job -> Duration.between(job.createdAt(), job.startedAt()))
                .sorted()
                .toList();
        return waits.get((int) Math.ceil(0.95 * waits.size()) - 1);
    }
}
