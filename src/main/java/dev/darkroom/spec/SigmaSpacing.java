package dev.darkroom.spec;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a sampler spaces its noise levels: as the checkpoint's scheduler says, or by Karras et al. 2022, equation (5). */
public enum SigmaSpacing {
    DEFAULT,
    KARRAS;

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
