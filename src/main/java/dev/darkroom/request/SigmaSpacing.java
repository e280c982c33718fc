package dev.darkroom.request;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a sampler spaces its noise levels. */
public enum SigmaSpacing {
    /** As the checkpoint's scheduler says. */
    DEFAULT,
    /** Karras et al. 2022, equation (5), with ρ = 7. */
    KARRAS,
    /** Evenly in log σ. */
    EXPONENTIAL,
    /** By the quantiles of the Beta(0.6, 0.6) distribution, Lee et al. 2024. */
    BETA;

    /** The name in requests and answers, for example {@code karras}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<SigmaSpacing> of(String id) {
        return Arrays.stream(values()).filter(kind -> kind.id().equals(id)).findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(SigmaSpacing::id).toList();
    }
}
