package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.Service;
import dev.darkroom.StubServer;
import dev.darkroom.library.StubModel;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** The whole service on two devices, with stubs in place of the networks, until none is left. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        properties = {"darkroom.devices[0]=cpu", "darkroom.devices[1]=cpu", "stub.step-time=20ms"},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class DevicesTests {
    private static final Duration LONG = Duration.ofSeconds(120);

    @LocalServerPort
    private int port;

    @Autowired
    private StubModel.Behaviour stub;

    @Autowired
    private WorkerHealthIndicator health;

    @Autowired
    private MeterRegistry meters;

    @DynamicPropertySource
    static void freshData(DynamicPropertyRegistry registry) throws IOException {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "devices");
        registry.add("darkroom.data-dir", () -> data.toString());
    }

    @Test
    void jobsAreSharedAndOneDeviceThatFailsDoesNotEndTheOther() {
        Service service = new Service(port);
        await().atMost(LONG).until(service::isReady);
        await().atMost(LONG).until(() -> states().stream().allMatch("WORKING"::equals));

        // Two pictures that share nothing are drawn at the same time.
        String body = "{\"prompt\":\"a car\",\"steps\":100,\"seed\":1,\"determinism\":\"exact\"}";
        List<String> ids = Stream.of(body, body).map(service::post).toList();
        List<JsonNode> jobs = ids.stream().map(service::ended).toList();
        assertThat(jobs).allMatch(job -> job.get("state").stringValue().equals("succeeded"));
        assertThat(stub.mostAtOnce).hasValue(2);
        assertThat(service.picture(ids.get(0))).isEqualTo(service.picture(ids.get(1)));

        // As many jobs are held as two devices have on them and next.
        List<String> many =
                IntStream.range(0, 30).mapToObj(i -> service.post(body)).toList();
        await().atMost(LONG)
                .until(() -> meters.get("darkroom.held.jobs").gauge().value() == 2 * 8 * 3 / 2);
        many.forEach(service::cancel);
        many.forEach(service::ended);

        List<String> running =
                Stream.of(body, body, body, body).map(service::post).toList();
        await().atMost(LONG)
                .until(() -> running.stream()
                        .allMatch(id -> service.job(id).at("/progress/step").intValue() > 0));
        stub.nextFailure.set(new InternalError("a device that fell off the bus"));
        await().atMost(LONG).until(() -> states().contains("FAILED"));
        assertThat(states()).containsExactlyInAnyOrder("WORKING", "FAILED");
        assertThat(health.health().getStatus()).isEqualTo(Status.UP);
        for (String id : running) {
            assertThat(service.picture(id)).isEqualTo(service.picture(ids.get(0)));
        }

        String last = service.post(body);
        stub.nextFailure.set(new InternalError("the other one too"));
        await().atMost(LONG).until(() -> health.health().getStatus().equals(Status.DOWN));
        assertThat(states()).containsOnly("FAILED");
        assertThat(service.isReady()).isFalse();
        assertThat(service.job(last).get("state").stringValue()).isIn("queued", "running");
    }

    private List<String> states() {
        return ((Map<?, ?>) health.health().getDetails().get("devices"))
                .values().stream().map(Object::toString).toList();
    }
}
