package dev.darkroom.request;

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
    DPM2,
    DPM2_ANCESTRAL,
    DPMPP_2S,
    DPMPP_2M,
    DPMPP_2M_SDE,
    DPMPP_SDE,
    DEIS,
    UNIPC,
    LCM;

    /** The spacings of noise levels it can walk: all of them if its formula knows a step only by its σ. */
    public Set<SigmaSpacing> schedules() {
        return Collections.unmodifiableSet(
                switch (this) {
                    case DDPM, PNDM, LCM -> EnumSet.of(SigmaSpacing.DEFAULT);
                    default -> EnumSet.allOf(SigmaSpacing.class);
                });
    }

    /** Whether it walks timesteps that a request lists: those whose class in diffusers does. */
    public boolean takesTimesteps() {
        return switch (this) {
            case DDPM, EULER, HEUN, DPMPP_2S, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, LCM -> true;
            case DDIM, PNDM, LMS, EULER_ANCESTRAL, DPM2, DPM2_ANCESTRAL, DEIS, UNIPC -> false;
        };
    }

    /** Whether it walks noise levels that a request lists: those that know a step by its σ only, and end at 0. */
    public boolean takesSigmas() {
        return switch (this) {
            case LMS, EULER, EULER_ANCESTRAL, HEUN, DPMPP_2S, DPMPP_2M, DPMPP_2M_SDE, DPMPP_SDE, UNIPC -> true;
            case DDPM, DDIM, PNDM, DPM2, DPM2_ANCESTRAL, DEIS, LCM -> false;
        };
    }

    /** How often it asks the network in so many steps: Heun's and DPM2's but the last ask twice, PNDM's second one as well. */
    public int evaluations(int steps) {
        return switch (this) {
            case HEUN, DPM2, DPM2_ANCESTRAL -> 2 * steps - 1;
            case PNDM -> steps == 1 ? 1 : steps + 1;
            default -> steps;
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
