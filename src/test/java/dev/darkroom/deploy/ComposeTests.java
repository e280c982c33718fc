package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
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
