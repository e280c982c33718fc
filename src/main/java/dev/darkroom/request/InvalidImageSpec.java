package dev.darkroom.request;

import java.util.List;
import java.util.stream.Collectors;

/** A request that cannot be drawn; lists every field that is wrong, not only the first. */
public final class InvalidImageSpec extends RuntimeException {

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

    public InvalidImageSpec(List<Violation> violations) {
        super(violations.stream().map(Violation::message).collect(Collectors.joining("; ")));
        this.violations = List.copyOf(violations);
    }

    public List<Violation> violations() {
        return violations;
    }

    static void throwIfAny(List<Violation> wrong) {
        if (!wrong.isEmpty()) {
            throw new InvalidImageSpec(wrong);
        }
    }

    static Violation outOfRange(String field, Object min, Object max, Object given) {
        return new Violation(
                field, Rule.OUT_OF_RANGE, field + " must be between " + min + " and " + max + "; given: " + given);
    }
}
