package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.Service;
import dev.darkroom.StubServer;
import dev.darkroom.library.StubModel;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** The whole service on one device, with stubs in place of the networks. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class WorkersTests {
    private static final Duration LONG = Duration.ofSeconds(120);

    @LocalServerPort
    private int port;

    @Autowired
    private StubModel.Behaviour stub;

    private Service service;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) throws IOException {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "workers");
        registry.add("darkroom.data-dir", () -> data.toString());
    }

    @BeforeEach
    void waitUntilReady() {
        service = new Service(port);
        await().atMost(LONG).until(service::isReady);
        stub.calls.clear();
    }

    @AfterEach
    void behave() {
        stub.stepTime = Duration.ofMillis(20);
        stub.encodeTime = Duration.ZERO;
        stub.decodeTime = Duration.ZERO;
        stub.fittingRows = Integer.MAX_VALUE;
        stub.loadTime = Duration.ZERO;
    }

    @Test
    void aJobStartsWithinAStepOrTwoWhileOthersRun() {
        stub.stepTime = Duration.ofMillis(500);
        String running = service.post("{\"prompt\":\"a long one\",\"steps\":150}");
        awaitStep(running, 1);
        List<Integer> alone = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            int before = stub.calls.size();
            service.ended(service.post("{\"prompt\":\"a car\",\"steps\":1}"));
            List<Integer> calls = List.copyOf(stub.calls);
            int together = before;
            while (calls.get(together) <= calls.get(0)) {
                together++;
            }
            alone.add(together - before);
        }
        assertThat(state(running)).isEqualTo("running");
        service.cancel(running);
        Collections.sort(alone);
        System.out.println("from post to start, in calls of the others alone: " + alone);
        assertThat(alone.get(1)).isLessThanOrEqualTo(2);
    }

    @Test
    void aCanceledJobLeavesWithinAStepOrTwoAndStoresNoPicture() {
        stub.stepTime = Duration.ofMillis(200);
        List<Long> late = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            String id = service.post("{\"prompt\":\"a car\",\"steps\":150}");
            awaitStep(id, 1);
            service.cancel(id);
            int asked = step(id);
            JsonNode job = service.ended(id);
            assertThat(job.get("state").stringValue()).isEqualTo("canceled");
            assertThat(job.get("images")).isEmpty();
            late.add(steps(id).count() - asked);
        }
        Collections.sort(late);
        System.out.println("from cancel to canceled, in steps: " + late);
        assertThat(late.get(1)).isLessThanOrEqualTo(2);
    }

    @Test
    void picturesOfDifferentModelsSizesAndStepsAreDrawnAtTheSameTime() {
        List<String> bodies = List.of(
                "{\"prompt\":\"a car\",\"steps\":40,\"seed\":1}",
                "{\"prompt\":\"a car\",\"steps\":40,\"seed\":1,\"width\":128}",
                "{\"prompt\":\"a car\",\"steps\":40,\"seed\":1,\"model\":\"other\"}",
                "{\"prompt\":\"a dog\",\"steps\":30,\"seed\":2,\"sampler\":\"euler_ancestral\",\"guidance_scale\":4}",
                "{\"prompt\":\"a dog\",\"steps\":30,\"seed\":2,\"sampler\":\"heun\",\"determinism\":\"exact\"}");
        List<String> alone =
                bodies.stream().map(service::post).map(service::picture).toList();
        List<String> ids = bodies.stream().map(service::post).toList();
        List<JsonNode> jobs = ids.stream().map(service::ended).toList();
        Instant lastStart = jobs.stream()
                .map(job -> time(job, "started_at"))
                .max(Instant::compareTo)
                .orElseThrow();
        Instant firstEnd = jobs.stream()
                .map(job -> time(job, "finished_at"))
                .min(Instant::compareTo)
                .orElseThrow();
        assertThat(lastStart).isBefore(firstEnd);
        assertThat(ids.stream().map(service::picture)).isEqualTo(alone);
        assertThat(stub.calls).contains(3);
    }

    @Test
    void whatGoesWrongWithOnePictureDoesNotTouchTheOthers() {
        String body = "{\"prompt\":\"a car %s\",\"steps\":10,\"seed\":5}";
        String alone = service.picture(service.post(body.formatted("")));
        List<String> good = new ArrayList<>();
        List<String> bad = new ArrayList<>();
        for (String trouble : List.of("unencodable", "unpredictable", "endless", "too large")) {
            good.add(service.post(body.formatted("")));
            bad.add(service.post(body.formatted(trouble)));
        }
        assertThat(good.stream().map(service::picture)).containsOnly(alone);
        assertThat(bad.stream().map(service::ended))
                .extracting(job -> job.at("/error/code").asString(""))
                .containsExactly("drawing_failed", "drawing_failed", "not_finite", "out_of_memory");
    }

    @Test
    void aBatchThatDoesNotFitIsHalvedAndTheLimitIsLearnt() {
        stub.fittingRows = 3;
        // A size of its own, since what is learnt lasts.
        String id = service.post("{\"prompt\":\"a car\",\"steps\":10,\"n\":8,\"width\":96}");
        assertThat(service.ended(id).get("state").stringValue()).isEqualTo("succeeded");
        assertThat(stub.calls.stream().filter(rows -> rows > 3)).hasSizeBetween(1, 3);
        stub.calls.clear();
        service.ended(service.post("{\"prompt\":\"a car\",\"steps\":10,\"n\":8,\"width\":96}"));
        assertThat(stub.calls).isNotEmpty().allMatch(rows -> rows <= 3);
    }

    @Test
    void aPromptWhoseChunksOnlyTheTokenizerCanCountFailsBeforeItIsDrawn() {
        JsonNode job = service.ended(service.post("{\"prompt\":\"a lengthy story\"}"));
        assertThat(job.at("/error/code").stringValue()).isEqualTo("prompt_too_long");
        assertThat(job.at("/error/message").stringValue()).contains("at most 16 chunks", "there are 17");
        assertThat(stub.calls).isEmpty();
    }

    @Test
    void whatAPictureHasOnTheDeviceIsFreedHoweverItEnds() {
        service.ended(service.post("{\"prompt\":\"a car\",\"steps\":2,\"n\":2}"));
        service.ended(service.post("{\"prompt\":\"an unpredictable car\"}"));
        service.ended(service.post("{\"prompt\":\"an endless car\",\"steps\":2}"));
        String canceled = service.post("{\"prompt\":\"a long one\",\"steps\":150}");
        awaitStep(canceled, 1);
        service.cancel(canceled);
        service.ended(canceled);
        await().atMost(LONG).untilAtomic(stub.contexts, org.hamcrest.Matchers.is(0));
    }

    @Test
    void aModelIsLoadedWhileOthersAreDrawn() {
        stub.loadTime = Duration.ofSeconds(2);
        stub.stepTime = Duration.ofMillis(5);
        String running = service.post("{\"prompt\":\"a long one\",\"steps\":150,\"n\":4}");
        awaitStep(running, 1);
        String other = service.post("{\"prompt\":\"a car\",\"model\":\"third\",\"steps\":1}");
        String same = service.post("{\"prompt\":\"a car\",\"steps\":1}");
        JsonNode passed = service.ended(same);
        JsonNode loaded = service.ended(other);
        assertThat(loaded.get("state").stringValue()).isEqualTo("succeeded");
        assertThat(time(passed, "finished_at")).isBefore(time(loaded, "started_at"));
        service.cancel(running);
    }

    @Test
    void exactPicturesHaveCallsOfTheirOwn() {
        service.ended(service.post("{\"prompt\":\"a car\",\"steps\":5,\"n\":4,\"determinism\":\"exact\"}"));
        assertThat(stub.calls).hasSize(20).containsOnly(1);
    }

    @Test
    void decodingAndEncodingComeBetweenTheStepsOfOthers() {
        stub.encodeTime = Duration.ofMillis(60);
        stub.decodeTime = Duration.ofMillis(60);
        String running = service.post("{\"prompt\":\"a long one\",\"steps\":150}");
        awaitStep(running, 1);
        String many = service.post("{\"prompt\":\"a car\",\"steps\":4,\"n\":7}");
        JsonNode job = service.ended(many);
        int before = step(running);
        // The last one is begun after six steps and takes four; all at once, four steps would do.
        assertThat(before).isGreaterThanOrEqualTo(10);
        assertThat(job.get("state").stringValue()).isEqualTo("succeeded");
        service.cancel(running);
    }

    @Test
    void previewsComeWithTheStepsAndAreToldToThoseWhoReadThemLater() throws IOException {
        stub.stepTime = Duration.ofMillis(60);
        String id = service.post("{\"prompt\":\"a car\",\"steps\":20,\"width\":128,\"previews\":4}");
        List<JsonNode> previews = steps(id).filter(step -> step.has("preview")).toList();
        assertThat(previews).extracting(step -> step.get("step").intValue()).containsExactly(4, 8, 12, 16);
        for (JsonNode step : previews) {
            assertThat(step.at("/preview/content_type").stringValue()).isEqualTo("image/jpeg");
            byte[] data = step.at("/preview/data").binaryValue();
            BufferedImage picture = ImageIO.read(new ByteArrayInputStream(data));
            assertThat(picture.getWidth()).isEqualTo(16);
            assertThat(picture.getHeight()).isEqualTo(8);
        }
        assertThat(steps(id).filter(step -> step.has("preview"))).isEqualTo(previews);
        assertThat(service.job(id).at("/parameters/previews").intValue()).isEqualTo(4);
    }

    @Test
    void theModelSaysWhichDeterminismIsItsDefaultAndTheJobWhichItHas() {
        assertThat(service.get("/v1/models/stub").at("/defaults/determinism").stringValue())
                .isEqualTo("fast");
        String id = service.post("{\"prompt\":\"a car\",\"steps\":1}");
        assertThat(service.job(id).at("/parameters/determinism").stringValue()).isEqualTo("fast");
    }

    private Stream<JsonNode> steps(String id) {
        return service.events(id).stream()
                .filter(event -> event.name().equals("step"))
                .map(Service.Event::data);
    }

    private void awaitStep(String id, int step) {
        await().atMost(LONG).until(() -> step(id) >= step);
    }

    private int step(String id) {
        return service.job(id).at("/progress/step").intValue();
    }

    private String state(String id) {
        return service.job(id).get("state").stringValue();
    }

    private static Instant time(JsonNode job, String field) {
        return Instant.parse(job.get(field).stringValue());
    }
}
