package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.ServerProcess;
import dev.darkroom.StubServer;
import dev.darkroom.blobs.ImageStore;
import dev.darkroom.fleet.Models;
import dev.darkroom.request.Draft;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Request;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"stub.step-time=5ms", "darkroom.retention=3s"})
class RetentionTests {

    private static final Duration LONG = Duration.ofSeconds(60);

    @Autowired
    private Jobs jobs;

    @Autowired
    private Models models;

    @Autowired
    private ImageStore pictures;

    @Autowired
    private Housekeeping housekeeping;

    @Autowired
    private JobKeeping keeping;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) {
        registry.add(
                "darkroom.data-dir", () -> ServerProcess.freshData("retention").toString());
    }

    @Test
    void endedJobsAndTheirPicturesAreDeletedWhenTheirTimeIsOver() {
        await().atMost(LONG).until(() -> !models.all().isEmpty());
        Job old = draw(1);
        String picture = old.images().get(0).hash();
        assertThat(pictures.holds(picture)).isTrue();
        await().pollDelay(Duration.ofMillis(3100)).until(() -> true);
        Job young = draw(2);

        housekeeping.retain();
        assertThat(jobs.find(old.id())).isEmpty();
        assertThat(jobs.eventsAfter(old.id(), 0)).isEmpty();
        assertThat(pictures.holds(picture)).as("a minute longer than its job").isTrue();
        keeping.deleteImages(Duration.ZERO);
        assertThat(pictures.holds(picture)).isFalse();
        assertThat(jobs.find(young.id())).contains(young);
        assertThat(pictures.holds(young.images().get(0).hash())).isTrue();
    }

    private Job draw(long seed) {
        Request request = Request.of(
                Draft.of(Map.of("prompt", "an apple", "seed", seed)),
                models.all().get(0));
        String id =
                jobs.submit(request, JobOptions.DEFAULT, "someone", Quota.NONE).id();
        await().atMost(LONG).until(() -> jobs.find(id).orElseThrow().state() == JobState.SUCCEEDED);
        return jobs.find(id).orElseThrow();
    }
}
