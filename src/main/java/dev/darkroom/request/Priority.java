package dev.darkroom.request;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How large a share of the devices a caller's jobs get while others wait as well: nobody is shut out. */
public enum Priority {
    LOW(1),
    NORMAL(4),
    HIGH(16);

    private final int weight;

    Priority(int weight) {
        this.weight = weight;
    }

    /** The share, relative to the others' weights. */
    public int weight() {
        return weight;
    }

    /** The word in requests, rows and answers, for example {@code low}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<Priority> of(String id) {
        return Arrays.stream(values())
                .filter(priority -> priority.id().equals(id))
                .findFirst();
    }

    public static List<String> ids() {
        return Arrays.stream(values()).map(Priority::id).toList();
    }
}
