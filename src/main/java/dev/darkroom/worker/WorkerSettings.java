package dev.darkroom.worker;

import dev.darkroom.library.hub.ModelName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Settings of the worker module. Folders are bound as text, since Spring reads a {@code Path} as a class path resource
 * first.
 *
 * @param dataDir holds {@code cache}, the built-in model's files
 * @param modelsDir one diffusers folder each, served beside the built-in model
 * @param models fetched into {@code modelsDir} at start where they are not there yet, {@code org/name} or
 *     {@code org/name@revision}
 * @param devices to draw on, a set of networks each: {@code cpu}, {@code cuda:0}, {@code cuda:1}, …; empty for all CUDA
 *     devices, or the processor where there are none
 * @param modelMemory models that are loaded on a device at a time; others are let go for them. Unset: 60 % of the device's memory
 * @param drain when the process is asked to end, so long at most the jobs that have begun are drawn on, before they go back to the
 *     queue; 0 to 30 seconds
 * @param maxRows so many U-Net evaluations share one call; a picture with guidance takes two
 */
@ConfigurationProperties("darkroom")
record WorkerSettings(
        @DefaultValue("./data") String dataDir,
        @DefaultValue("./models") String modelsDir,
        @DefaultValue List<ModelName> models,
        @DefaultValue List<String> devices,
        @DefaultValue("8") int maxRows,
        @DefaultValue("20s") Duration drain,
        @Nullable DataSize modelMemory) {

    private static final Duration LONGEST_DRAIN = Duration.ofSeconds(30);

    WorkerSettings {
        for (String device : devices) {
            if (!device.matches("cpu|cuda:\\d{1,3}")) {
                throw new IllegalArgumentException(
                        "darkroom.devices must list cpu, cuda:0, cuda:1, …; given: \"" + device + "\"");
            }
        }
        if (drain.isNegative() || drain.compareTo(LONGEST_DRAIN) > 0) {
            throw new IllegalArgumentException("darkroom.drain must be between 0 and 30 seconds; given: " + drain);
        }
        if (maxRows < 1) {
            throw new IllegalArgumentException("darkroom.max-rows must be at least 1; given: " + maxRows);
        }
    }

    Optional<Long> modelBytes() {
        return Optional.ofNullable(modelMemory).map(DataSize::toBytes);
    }

    /** Where the built-in model is unpacked, absolute. */
    Path cache() {
        return Path.of(dataDir).toAbsolutePath().normalize().resolve("cache");
    }

    /** Where the folders of further models are, absolute. */
    Path modelsFolder() {
        return Path.of(modelsDir).toAbsolutePath().normalize();
    }
}
