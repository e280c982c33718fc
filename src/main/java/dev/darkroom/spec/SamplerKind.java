package dev.darkroom.spec;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The samplers, by the names requests use, and what may be said about their steps. Their formulas live in {@code dev.darkroom.sampling}. */
public enum SamplerKind {
    DDIM(true, false, false),
    DDPM(false, true, false),
    PNDM(false, false, false),
    LMS(true, false, true),
    EULER(true, true, true),
    EULER_ANCESTRAL(true, false, true),
    HEUN(true, true, true),
    DPMPP_2M(true, true, true),
    DPMPP_2M_SDE(true, true, true),
    DPMPP_SDE(true, true, true),
    UNIPC(true, false, true),
    LCM(false, true, false);

    private final boolean spaced;
    private final boolean timesteps;
    private final boolean sigmas;

    SamplerKind(boolean spaced, boolean timesteps, boolean sigmas) {
        this.spaced = spaced;
        this.timesteps = timesteps;
        this.sigmas = sigmas;
    }

    /** The name in requests and answers, for example {@code dpmpp_2m}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The spacings of noise levels it can walk through. */
    public Set<SigmaSpacing> spacings() {
        return spaced ? EnumSet.allOf(SigmaSpacing.class) : EnumSet.of(SigmaSpacing.DEFAULT);
    }

    /** Whether the training timesteps to visit can be given. */
    public boolean takesTimesteps() {
        return timesteps;
    }

    /** Whether the noise levels to visit can be given. */
    public boolean takesSigmas() {
        return sigmas;
    }

    public static Optional<SamplerKind> of(String id) {
        return Arrays.stream(values()).filter(kind -> kind.id().equals(id)).findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(SamplerKind::id).toList();
    }
}
