package dev.darkroom.deploy;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The real {@code docker compose} with the repository's own file, against podman's service in place of Docker's: {@code
 * .ci/docker-stages.sh base build services} makes the plugin and the images. Needs root; takes the ports that the file says.
 */
final class Compose implements AutoCloseable {
    private static final String PROJECT = "darkroom";
    private static final Duration BETWEEN_CHECKS = Duration.ofSeconds(2);

    private final Path socket;
    private final Process engine;
    private final Thread checks;
    private final Map<String, String> environment;

    /** @param environment further variables for what the file leaves open */
    Compose(Map<String, String> environment) throws IOException {
        this.environment = environment;
        Path folder = Files.createTempDirectory("compose");
        socket = folder.resolve("podman.sock");
        ProcessBuilder service = new ProcessBuilder(Machine.podman("system", "service", "--time=0", "unix://" + socket))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("podman.log").toFile());
        // Podman leaves the times of health checks to systemd; see check().
        service.environment().put("DISABLE_HC_SYSTEMD", "true");
        engine = service.start();
        await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(socket));
        checks = new Thread(this::check, "health checks");
        checks.setDaemon(true);
        checks.start();
    }

    /** @return what {@code docker compose} wrote, which must succeed */
    String run(String... arguments) {
        Shell.Result result = tried(arguments);
        if (result.status() != 0) {
            throw new AssertionError("docker compose " + String.join(" ", arguments) + ": " + result.output());
        }
        return result.output();
    }

    Shell.Result tried(String... arguments) {
        ProcessBuilder command = new ProcessBuilder(Shell.join(
                        List.of(Machine.WORK.resolve("compose/docker-compose").toString(), "--profile", "cpu"),
                        List.of(arguments)))
                .redirectErrorStream(true);
        command.environment().put("DOCKER_HOST", "unix://" + socket);
        command.environment().putAll(environment);
        try {
            Process process = command.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Shell.Result(process.waitFor(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Names of a service's containers, running or not. */
    List<String> containers(String service) {
        return lines(Shell.succeed(Machine.podman(
                "ps",
                "--all",
                "--filter",
                "label=com.docker.compose.project=" + PROJECT,
                "--filter",
                "label=com.docker.compose.service=" + service,
                "--format",
                "{{.Names}}")));
    }

    /** What podman knows of a container. */
    JsonNode inspect(String container) {
        return JsonMapper.shared()
                .readTree(Shell.succeed(Machine.podman("inspect", container)))
                .path(0);
    }

    /** What is left of the project: containers, volumes, networks. */
    List<String> left() {
        String label = "label=com.docker.compose.project=" + PROJECT;
        return lines(Shell.succeed(Machine.podman("ps", "--all", "--filter", label, "--format", "container {{.Names}}"))
                + Shell.succeed(Machine.podman("volume", "ls", "--filter", label, "--format", "volume {{.Name}}"))
                + Shell.succeed(Machine.podman("network", "ls", "--filter", label, "--format", "network {{.Name}}")));
    }

    private static List<String> lines(String output) {
        return output.lines().filter(line -> !line.isBlank()).toList();
    }

    /** Runs the health checks that images and file say, as the engine does where there is systemd. */
    private void check() {
        try {
            while (engine.isAlive()) {
                for (String container : lines(Shell.run(Machine.podman(
                                "ps",
                                "--filter",
                                "label=com.docker.compose.project=" + PROJECT,
                                "--format",
                                "{{.Names}}"))
                        .output())) {
                    Shell.run(List.of(
                            "curl",
                            "--silent",
                            "--max-time",
                            "10",
                            "--unix-socket",
                            socket.toString(),
                            "http://podman/v4.0.0/libpod/containers/" + container + "/healthcheck"));
                }
                Thread.sleep(BETWEEN_CHECKS.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        checks.interrupt();
        engine.destroy();
    }
}
