package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code docker-compose.yml} against the schema of the Compose specification, and what it promises. */
class ComposeTests {
    private final JsonNode file = Yaml.read(Path.of("docker-compose.yml"));
    private final JsonNode services = file.path("services");

    @Test
    void followsTheSpecification() {
        assertThat(Schemas.composeErrors(file)).isEmpty();
    }

    @Test
    void aMisspeltFieldWouldBeFound() {
        JsonNode wrong = file.deepCopy();
        ((ObjectNode) wrong.at("/services/darkroom")).put("enviroment", "x");
        assertThat(Schemas.composeErrors(wrong)).singleElement().asString().contains("enviroment");
    }

    /** The client's own reading, where there is one. */
    @Test
    void isReadByDockerCompose() throws Exception {
        assumeTrue(composeIsThere(), "no docker compose");
        for (String profile : new String[] {"", "cpu", "gpu"}) {
            Process config = new ProcessBuilder("docker", "compose", "--profile", profile, "config", "--services")
                    .redirectErrorStream(true)
                    .start();
            String output = new String(config.getInputStream().readAllBytes());
            assertThat(config.waitFor()).as(output).isZero();
            assertThat(output.lines())
                    .contains("darkroom", "postgres", "s3", "prometheus", "grafana")
                    .satisfies(lines -> {
                        assertThat(lines.contains("worker")).isEqualTo(profile.equals("cpu"));
                        assertThat(lines.contains("worker-gpu")).isEqualTo(profile.equals("gpu"));
                    });
        }
    }

    private static boolean composeIsThere() throws InterruptedException {
        try {
            Process version = new ProcessBuilder("docker", "compose", "version")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return version.waitFor(10, TimeUnit.SECONDS) && version.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void workersCanBeScaled() {
        for (String worker : new String[] {"worker", "worker-gpu"}) {
            assertThat(services.path(worker).has("container_name")).isFalse();
            assertThat(services.path(worker).has("ports")).isFalse();
            assertThat(services.path(worker).path("profiles")).hasSize(1);
        }
        assertThat(services.path("darkroom").has("profiles")).isFalse();
        assertThat(services.at("/worker-gpu/deploy/resources/reservations/devices/0/capabilities/0")
                        .asString())
                .isEqualTo("gpu");
    }

    @Test
    void processesOfDarkroomAreConfined() {
        for (String service : new String[] {"darkroom", "worker", "worker-gpu"}) {
            JsonNode one = services.path(service);
            assertThat(one.path("read_only").asBoolean()).isTrue();
            assertThat(one.at("/cap_drop/0").asString()).isEqualTo("ALL");
            assertThat(one.at("/security_opt/0").asString()).isEqualTo("no-new-privileges:true");
            assertThat(one.at("/tmpfs/0").asString()).isEqualTo("/tmp");
        }
    }

    @Test
    void portsAreThisMachinesOnly() {
        services.forEach(service -> service.path("ports")
                .forEach(port -> assertThat(port.asString()).startsWith("127.0.0.1:")));
    }

    @Test
    void whoeverReachesThisMachinesPortMayCallUntilThereAreKeys() {
        JsonNode environment = services.at("/darkroom/environment");
        assertThat(environment.path("DARKROOM_ANONYMOUS").asString()).isEqualTo("true");
        assertThat(environment.has("DARKROOM_API_KEYS")).isTrue();
    }

    @Test
    void mountedFilesAreThere() {
        services.forEach(service -> service.path("volumes").forEach(volume -> {
            String source = volume.asString().split(":", 2)[0];
            if (source.startsWith("./")) {
                assertThat(Files.isRegularFile(Path.of(source))).as(source).isTrue();
            }
        }));
    }

    @Test
    void prometheusAsksEveryProcess() {
        JsonNode scrape =
                Yaml.document(file.at("/configs/prometheus/content").asString()).at("/scrape_configs/0");
        assertThat(scrape.path("metrics_path").asString()).isEqualTo("/actuator/prometheus");
        assertThat(scrape.at("/dns_sd_configs/0/names"))
                .extracting(JsonNode::asString)
                .containsExactly("darkroom", "worker", "worker-gpu");
        assertThat(scrape.at("/dns_sd_configs/0/port").asInt()).isEqualTo(8081);
    }
}
