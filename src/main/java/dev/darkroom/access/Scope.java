package dev.darkroom.access;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/** What a caller may do; which models there are, every known caller may ask. */
public enum Scope {
    /** Post jobs and cancel one's own. */
    IMAGES_WRITE("images:write"),
    /** Read one's own jobs, their events and their pictures. */
    JOBS_READ("jobs:read");

    private final String id;

    Scope(String id) {
        this.id = id;
    }

    /** As it is written in keys and in a token's {@code scope}. */
    public String id() {
        return id;
    }

    /**
     * @param text ids separated by commas, plus signs or spaces
     * @throws IllegalArgumentException if one is unknown or there is none
     */
    public static Set<Scope> parse(String text) {
        Set<Scope> scopes = EnumSet.noneOf(Scope.class);
        for (String id : text.strip().split("[,+\\s]+")) {
            scopes.add(Arrays.stream(values())
                    .filter(scope -> scope.id.equals(id))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("scopes must be some of "
                            + join(EnumSet.allOf(Scope.class), ", ") + "; given: \"" + text + "\"")));
        }
        return scopes;
    }

    static String join(Set<Scope> scopes, String separator) {
        return scopes.stream().map(Scope::id).collect(Collectors.joining(separator));
    }
}
