package dev.darkroom.request;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A request that cannot be drawn; lists every field that is wrong, not only the first. */
public final class InvalidRequest extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * One wrong field.
     *
     * @param field the request's field name, for example {@code guidance_scale}
     * @param rule that it breaks
     * @param message the rule and the value given, for people
     */
    public record Violation(String field, Rule rule, String message) implements java.io.Serializable {

        /** The rule's stable word, for example {@code out_of_range}. */
        public String code() {
            return rule.id();
        }
    }

    private final List<Violation> violations;

    public InvalidRequest(List<Violation> violations) {
        super(violations.stream().map(Violation::message).collect(Collectors.joining("; ")));
        this.violations = List.copyOf(violations);
    }

    public List<Violation> violations() {
        return violations;
    }

    static void throwIfAny(List<Violation> wrong) {
        if (!wrong.isEmpty()) {
            throw new InvalidRequest(wrong);
        }
    }

    /**
     * A part of a request, so that what is wrong with the others is told as well.
     *
     * @param wrong takes what is wrong with this one
     * @return null if something is wrong with it
     */
    public static <T> @Nullable T collect(List<Violation> wrong, Supplier<T> part) {
        try {
            return part.get();
        } catch (InvalidRequest e) {
            wrong.addAll(e.violations);
            return null;
        }
    }

    static Violation outOfRange(String field, Object min, Object max, Object given) {
        return new Violation(
                field, Rule.OUT_OF_RANGE, field + " must be between " + min + " and " + max + "; given: " + given);
    }
}
