package dev.darkroom.spec;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The samplers, by the names requests use. Their formulas live in {@code dev.darkroom.sampling}. */
public enum SamplerKind {
    DDPM,
    DDIM,
    PNDM,
    LMS,
    EULER,
    EULER_ANCESTRAL,
    HEUN,
    DPMPP_2M,
    DPMPP_2M_SDE,
    DPMPP_SDE,
    UNIPC,
    LCM;

    /** The spacings of noise levels it can walk: all of them if its formula knows a step only by its σ. */
    public Set<SigmaSpacing> schedules() {
        return Collections.unmodifiableSet(
                switch (this) {
                    case DDPM, PNDM, LCM -> EnumSet.of(SigmaSpacing.DEFAULT);
                    case DDIM, LMS, EULER, EULER_ANCESTRAL, HEUN, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, UNIPC ->
                        EnumSet.allOf(SigmaSpacing.class);
                });
    }

    /** Whether it walks timesteps that a request lists: those whose class in diffusers does. */
    public boolean takesTimesteps() {
        return switch (this) {
            case DDPM, EULER, HEUN, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, LCM -> true;
            case DDIM, PNDM, LMS, EULER_ANCESTRAL, UNIPC -> false;
        };
    }

    /** Whether it walks noise levels that a request lists. */
    public boolean takesSigmas() {
        return switch (this) {
            case LMS, EULER, EULER_ANCESTRAL, HEUN, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, UNIPC -> true;
            case DDPM, DDIM, PNDM, LCM -> false;
        };
    }

    /** How often it asks the network in so many steps: Heun's steps but the last ask twice, PNDM's second one as well. */
    public int evaluations(int steps) {
        return switch (this) {
            case HEUN -> 2 * steps - 1;
            case PNDM -> steps == 1 ? 1 : steps + 1;
            case DDPM, DDIM, LMS, EULER, EULER_ANCESTRAL, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, UNIPC, LCM -> steps;
        };
    }

    /** The name in requests and answers, for example {@code dpmpp_2m}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<SamplerKind> of(String id) {
        return Arrays.stream(values()).filter(kind -> kind.id().equals(id)).findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(SamplerKind::id).toList();
    }
}
