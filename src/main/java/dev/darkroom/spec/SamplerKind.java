package dev.darkroom.spec;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The samplers, by the names requests use. Their formulas live in {@code dev.darkroom.sampling}. */
public enum SamplerKind {
    DDIM,
    EULER,
    EULER_ANCESTRAL,
    DPMPP_2M;

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
