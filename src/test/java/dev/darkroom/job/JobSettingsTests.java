package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class JobSettingsTests {

    @Test
    void haveTheirDocumentedDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new JobSettings("./data", Role.ALL, 1000, Duration.ofSeconds(5), Duration.ofDays(7)));
    }

    @Test
    void canAllBeSet() {
        assertThat(bind(Map.of(
                        "darkroom.data-dir", "/var/lib/darkroom",
                        "darkroom.role", "worker",
                        "darkroom.max-queued", "7",
                        "darkroom.heartbeat", "1s",
                        "darkroom.retention", "12h")))
                .isEqualTo(new JobSettings(
                        "/var/lib/darkroom", Role.WORKER, 7, Duration.ofSeconds(1), Duration.ofHours(12)));
    }

    @Test
    void takeAFolderForAFolderEvenIfTheClassPathHasOneOfThatName() {
        assertThat(getClass().getResource("/db")).isNotNull();
        assertThat(bind(Map.of("darkroom.data-dir", "./db")).data())
                .isEqualTo(Path.of("").toAbsolutePath().resolve("db"));
    }

    @Test
    void refuseAQueueThatTakesNothing() {
        assertThatThrownBy(() -> bind(Map.of("darkroom.max-queued", "0")))
                .rootCause()
                .hasMessage("darkroom.max-queued must be at least 1; given: 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0s", "-1d"})
    void refuseToDeleteEverythingAtOnce(String retention) {
        assertThatThrownBy(() -> bind(Map.of("darkroom.retention", retention)))
                .rootCause()
                .hasMessageStartingWith("darkroom.retention must be positive; given: ");
    }

    private static JobSettings bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties)).bindOrCreate("darkroom", JobSettings.class);
    }
}
