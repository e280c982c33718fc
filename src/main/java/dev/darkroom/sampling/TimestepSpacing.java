package dev.darkroom.sampling;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Which of the training timesteps a sampler visits (Lin et al. 2024, table 2), by the names of {@code timestep_spacing}
 * in scheduler_config.json.
 */
public enum TimestepSpacing {
    /** Multiples of ⌊T/steps⌋, from 0 up, shifted by {@code steps_offset}: never sees pure noise. */
    LEADING,
    /** Evenly spaced, both ends included. */
    LINSPACE,
    /** Multiples of T/steps, from T − 1 down. */
    TRAILING;

    /** The name in scheduler_config.json, for example {@code leading}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<TimestepSpacing> of(String id) {
        return Arrays.stream(values()).filter(value -> value.id().equals(id)).findFirst();
    }
}
