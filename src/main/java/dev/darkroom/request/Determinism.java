package dev.darkroom.request;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How far a picture may depend on which others are drawn at the same time. */
public enum Determinism {
    /** Not at all: the same request gives the same bytes, on the same kind of device. */
    EXACT,
    /** In the last bits of its arithmetic: its evaluations share calls with others. */
    FAST;

    /** The name in requests and answers, for example {@code exact}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<Determinism> of(String id) {
        return Arrays.stream(values()).filter(kind -> kind.id().equals(id)).findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(Determinism::id).toList();
    }
}
