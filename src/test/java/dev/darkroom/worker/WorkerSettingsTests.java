package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class WorkerSettingsTests {

    @Test
    void haveTheirDocumentedDefaults() {
        assertThat(bind(Map.of())).isEqualTo(new WorkerSettings("./data", "./models", 8));
    }

    @Test
    void canAllBeSet() {
        assertThat(bind(Map.of("darkroom.data-dir", "/d", "darkroom.models-dir", "/m", "darkroom.max-rows", "2")))
                .isEqualTo(new WorkerSettings("/d", "/m", 2));
    }

    @Test
    void refuseABatchWithoutRows() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.max-rows", "0")))
                .rootCause()
                .hasMessage("darkroom.max-rows must be at least 1; given: 0");
    }

    private static WorkerSettings bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("darkroom", WorkerSettings.class);
    }
}
