package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.Service;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The service with its own model as a process under steady load for {@code -Ddarkroom.minutes=30}: what it holds of the machine does
 * not grow. The first third of the time is left out, in which caches and heaps find their size.
 */
@Tag("endurance")
class SteadyLoadTests {
    private static final int CLIENTS = 6;
    private static final Duration EVERY = Duration.ofSeconds(5);

    /**
     * @param resident MiB
     * @param arrays of libtorch that are not freed
     */
    private record Sample(long resident, long threads, long files, long arrays) {}

    @Test
    void nothingGrowsUnderSteadyLoad() throws Exception {
        Duration length =
                Duration.ofSeconds((long) (60 * Double.parseDouble(System.getProperty("darkroom.minutes", "30"))));
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "steady");
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process server = new ProcessBuilder(
                        java("java"),
                        "-Xms300m",
                        "-Xmx300m",
                        "-XX:+AlwaysPreTouch",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Darkroom.class.getName(),
                        "--server.port=" + port,
                        "--darkroom.data-dir=" + data,
                        "--darkroom.models-dir=" + data.resolve("models"))
                .redirectErrorStream(true)
                .redirectOutput(data.resolve("server.log").toFile())
                .start();
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            Service service = new Service(port);
            await().atMost(Duration.ofMinutes(3)).until(service::isReady);
            AtomicInteger done = new AtomicInteger();
            long end = System.nanoTime() + length.toNanos();
            for (int i = 0; i < CLIENTS; i++) {
                Random random = new Random(i);
                clients.execute(() -> {
                    while (System.nanoTime() < end) {
                        draw(service, random);
                        done.incrementAndGet();
                    }
                });
            }
            List<Sample> samples = new ArrayList<>();
            await().pollInterval(EVERY).atMost(length.plusMinutes(1)).until(() -> {
                samples.add(sample(server));
                return System.nanoTime() > end;
            });
            clients.shutdown();
            assertThat(clients.awaitTermination(2, TimeUnit.MINUTES)).isTrue();

            int third = samples.size() / 3;
            List<Sample> middle = samples.subList(third, 2 * third);
            List<Sample> last = samples.subList(2 * third, samples.size());
            System.out.printf("%d jobs in %d s; %d samples%n", done.get(), length.toSeconds(), samples.size());
            System.out.println("middle third, most: " + most(middle));
            System.out.println("last third, most:   " + most(last));
            assertThat(most(last).resident).isLessThanOrEqualTo(most(middle).resident * 102 / 100 + 8);
            assertThat(most(last).threads).isLessThanOrEqualTo(most(middle).threads + 2);
            assertThat(most(last).files).isLessThanOrEqualTo(most(middle).files + 5);
            assertThat(most(last).arrays).isLessThanOrEqualTo(most(middle).arrays);
        } finally {
            clients.shutdownNow();
            server.destroyForcibly();
        }
    }

    /** One job of a random kind, some of them canceled on their way, followed by its events. */
    private static void draw(Service service, Random random) {
        String id = service.post("""
                {"prompt":"a red apple %d","steps":%d,"n":%d,"width":%d,"guidance_scale":%d,"previews":%d,"determinism":"%s"}""".formatted(
                        random.nextInt(1000),
                        2 + random.nextInt(6),
                        1 + random.nextInt(3),
                        64 + 32 * random.nextInt(2),
                        1 + random.nextInt(3),
                        random.nextInt(3),
                        random.nextBoolean() ? "exact" : "fast"));
        if (random.nextInt(5) == 0) {
            service.cancel(id);
        }
        assertThat(service.events(id)).isNotEmpty();
        assertThat(service.ended(id).get("state").stringValue()).isIn("succeeded", "canceled");
    }

    private static Sample most(List<Sample> samples) {
        return new Sample(
                most(samples, Sample::resident),
                most(samples, Sample::threads),
                most(samples, Sample::files),
                samples.stream()
                        .mapToLong(Sample::arrays)
                        .min()
                        .orElseThrow()); // those of a call in progress come and go
    }

    private static long most(List<Sample> samples, ToLongFunction<Sample> figure) {
        return samples.stream().mapToLong(figure).max().orElseThrow();
    }

    private static Sample sample(Process server) throws IOException {
        Path process = Path.of("/proc", Long.toString(server.pid()));
        String status = Files.readString(process.resolve("status"));
        try (Stream<Path> files = Files.list(process.resolve("fd"))) {
            return new Sample(
                    figure(status, "VmRSS:") / 1024, figure(status, "Threads:"), files.count(), arrays(server.pid()));
        }
    }

    private static long figure(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    /** Live objects that hold an array of libtorch, after a garbage collection. */
    private static long arrays(long pid) throws IOException {
        Process jcmd = new ProcessBuilder(java("jcmd"), Long.toString(pid), "GC.class_histogram").start();
        String histogram = new String(jcmd.getInputStream().readAllBytes());
        return histogram
                .lines()
                .filter(line -> line.contains(" ai.djl.pytorch.engine.PtNDArray"))
                .mapToLong(line -> Long.parseLong(line.strip().split("\\s+")[1]))
                .sum();
    }

    private static String java(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }
}
