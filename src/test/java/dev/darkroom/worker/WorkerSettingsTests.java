package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.library.hub.ModelName;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class WorkerSettingsTests {

    @Test
    void haveTheirDocumentedDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new WorkerSettings(
                        "./data", "./models", List.of(), List.of(), 8, Duration.ofSeconds(20), null));
    }

    @Test
    void canAllBeSet() {
        Map<String, String> properties = Map.of(
                "darkroom.data-dir", "/d",
                "darkroom.models-dir", "/m",
                "darkroom.models", "org/a, org/b@fp16",
                "darkroom.devices", "cuda:0, cuda:1",
                "darkroom.max-rows", "2",
                "darkroom.drain", "5s",
                "darkroom.model-memory", "3GB");
        List<ModelName> models = List.of(ModelName.of("org/a"), ModelName.of("org/b@fp16"));
        assertThat(bind(properties))
                .isEqualTo(new WorkerSettings(
                        "/d",
                        "/m",
                        models,
                        List.of("cuda:0", "cuda:1"),
                        2,
                        Duration.ofSeconds(5),
                        DataSize.ofGigabytes(3)));
    }

    @Test
    void refuseAModelThatIsNoName() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.models", "../x")))
                .rootCause()
                .hasMessageContaining("org/name@revision; given: \"../x\"");
    }

    @Test
    void refuseADeviceThatIsNoName() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.devices", "gpu")))
                .rootCause()
                .hasMessage("darkroom.devices must list cpu, cuda:0, cuda:1, …; given: \"gpu\"");
    }

    @Test
    void refuseABatchWithoutRows() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.max-rows", "0")))
                .rootCause()
                .hasMessage("darkroom.max-rows must be at least 1; given: 0");
    }

    @Test
    void refuseADrainThatTakesTooLong() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.drain", "31s")))
                .rootCause()
                .hasMessage("darkroom.drain must be between 0 and 30 seconds; given: PT31S");
    }

    private static WorkerSettings bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("darkroom", WorkerSettings.class);
    }
}
