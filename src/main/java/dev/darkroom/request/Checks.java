package dev.darkroom.request;

import static dev.darkroom.request.InvalidRequest.outOfRange;

import dev.darkroom.request.InvalidRequest.Violation;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What the checks of several parts of a request have in common. */
final class Checks {

    private Checks() {}

    static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }

    static void range(List<Violation> wrong, String field, long value, long min, long max) {
        if (value < min || value > max) {
            wrong.add(outOfRange(field, min, max, value));
        }
    }

    /** One of the values that have names. */
    static <T> T named(
            List<Violation> wrong,
            String field,
            Rule rule,
            @Nullable String given,
            Function<String, Optional<T>> lookup,
            List<String> known,
            T otherwise) {
        if (given == null) {
            return otherwise;
        }
        Optional<T> found = lookup.apply(given);
        if (found.isEmpty()) {
            wrong.add(new Violation(
                    field,
                    rule,
                    field + " must be one of " + String.join(", ", known) + "; given: \"" + given + "\""
                            + OtherNames.advice(field, given, known)));
        }
        return found.orElse(otherwise);
    }

    static <T> List<T> listed(List<Violation> wrong, String field, @Nullable List<T> given) {
        if (given == null) {
            return List.of();
        }
        if (given.stream().anyMatch(Objects::isNull)) {
            wrong.add(new Violation(field, Rule.WRONG_TYPE, field + " must list numbers; given: " + given));
            return List.of();
        }
        return given; // generated clients say [] for "not said"
    }
}
