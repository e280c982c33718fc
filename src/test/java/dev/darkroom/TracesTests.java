package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.OtlpReceiver.Span;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A trace that begins at a client, goes through an API process and the database, and ends in a worker process. */
class TracesTests {

    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String CLIENT = "00f067aa0ba902b7";
    private static final String SECRET = "a very secret apple";

    @Test
    void aJobsTraceGoesFromThePostToTheWorkerOfAnotherProcess() throws Exception {
        Path data = ServerProcess.freshData("traces");
        try (OtlpReceiver receiver = new OtlpReceiver();
                TestPostgres postgres = TestPostgres.start()) {
            String url = postgres.freshDatabase("traces");
            String[] settings = {
                "--management.opentelemetry.tracing.export.otlp.endpoint=" + receiver.endpoint(),
                "--management.opentelemetry.tracing.export.schedule-delay=200ms",
                "--darkroom.images=" + data.resolve("images"),
                "--stub.step-time=10ms",
                "--stub.encode-time=10ms",
                "--stub.decode-time=10ms"
            };
            try (ServerProcess api = start(data, url, postgres.user(), "api", settings);
                    ServerProcess worker = start(data, url, postgres.user(), "worker", settings)) {
                worker.awaitReady();
                api.awaitReady();
                HttpResponse<String> answer = api.post(
                        "{\"prompt\":\"" + SECRET + "\",\"n\":2,\"steps\":7}",
                        "traceparent",
                        "00-" + TRACE + "-" + CLIENT + "-01",
                        "Prefer",
                        "wait=60");
                assertThat(answer.statusCode()).isEqualTo(200);
                assertTimings(answer);
                String id = ServerProcess.body(answer).get("id").stringValue();
                await().atMost(Duration.ofSeconds(30))
                        .untilAsserted(() -> assertThat(names(receiver))
                                .isEqualTo(Map.of(
                                        "http post /v1/images", 1L,
                                        "queue", 1L,
                                        "draw", 1L,
                                        "encode", 2L,
                                        "steps", 2L,
                                        "decode", 2L,
                                        "store", 2L)));
                Span post = span(receiver, "http post /v1/images");
                assertThat(post.parent()).isEqualTo(CLIENT);
                Span draw = span(receiver, "draw");
                assertThat(draw.parent()).isEqualTo(post.id());
                assertThat(draw.attributes())
                        .containsEntry("darkroom.job.id", id)
                        .containsEntry("darkroom.model", "stub")
                        .containsEntry("darkroom.sampler", "ddim")
                        .containsEntry("darkroom.outcome", "succeeded");
                assertThat(draw.resource()).containsEntry("service.name", "darkroom");
                assertThat(span(receiver, "queue").parent()).isEqualTo(post.id());
                for (Span part : receiver.spans) {
                    if (Set.of("encode", "steps", "decode", "store").contains(part.name())
                            && part.trace().equals(TRACE)) {
                        assertThat(part.parent()).as(part.name()).isEqualTo(draw.id());
                        assertThat(part.end() - part.start())
                                .isBetween(0L, Duration.ofMinutes(1).toNanos());
                    }
                }
                Span steps = span(receiver, "steps");
                assertThat(steps.attributes()).containsEntry("darkroom.steps", "7");
                assertThat(Duration.ofNanos(steps.end() - steps.start())).isGreaterThan(Duration.ofMillis(69));
                assertThat(receiver.texts).noneMatch(text -> text.contains(SECRET));
            }
        }
    }

    private static void assertTimings(HttpResponse<String> answer) {
        String header = answer.headers().firstValue("Server-Timing").orElse("");
        Matcher timings = Pattern.compile(
                        "queue;dur=([\\d.]+), encode;dur=([\\d.]+), steps;dur=([\\d.]+), decode;dur=([\\d.]+), store;dur=([\\d.]+)")
                .matcher(header);
        assertThat(timings.matches()).as(header).isTrue();
        assertThat(Double.parseDouble(timings.group(2))).isGreaterThan(19);
        assertThat(Double.parseDouble(timings.group(3))).isBetween(69.0, 10_000.0);
        assertThat(Double.parseDouble(timings.group(4))).isGreaterThan(19);
        assertThat(Double.parseDouble(timings.group(5))).isPositive();
    }

    private static ServerProcess start(Path data, String url, String user, String role, String... settings) {
        String[] all = ServerProcess.on(url, user, settings);
        all = java.util.Arrays.copyOf(all, all.length + 1);
        all[all.length - 1] = "--darkroom.role=" + role;
        return ServerProcess.start(data, all);
    }

    private static Map<String, Long> names(OtlpReceiver receiver) {
        return receiver.spans.stream()
                .filter(span -> span.trace().equals(TRACE))
                .collect(Collectors.groupingBy(Span::name, Collectors.counting()));
    }

    private static Span span(OtlpReceiver receiver, String name) {
        List<Span> found = receiver.spans.stream()
                .filter(span -> span.trace().equals(TRACE) && span.name().equals(name))
                .toList();
        assertThat(found).as(name).isNotEmpty();
        return found.get(0);
    }
}
