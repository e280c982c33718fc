package dev.darkroom.request;

import java.util.Locale;

/** The rules that a field of a request can break: their stable words are the codes of {@link InvalidRequest.Violation}s. */
public enum Rule {
    /** There is no such field. */
    UNKNOWN_FIELD,
    /** A string for a number, and the like. */
    WRONG_TYPE,
    /** Nothing where something is needed. */
    EMPTY,
    TOO_LONG,
    /** A control character, or half of a character. */
    FORBIDDEN_CHARACTER,
    OUT_OF_RANGE,
    NOT_A_MULTIPLE,
    /** A list's values must fall. */
    NOT_FALLING,
    /** Not of the form that the field has. */
    MALFORMED,
    UNKNOWN_MODEL,
    UNKNOWN_SAMPLER,
    UNKNOWN_SCHEDULE,
    UNKNOWN_DETERMINISM,
    UNKNOWN_OUTPUT_FORMAT,
    UNKNOWN_PRIORITY,
    /** OpenAI's clients know more values of this field than there are here. */
    UNSUPPORTED_VALUE,
    /** Another field says otherwise. */
    EXCLUSIVE,
    NOT_FOR_THIS_SAMPLER,
    NOT_FOR_THIS_FORMAT,
    NEEDS_GUIDANCE,
    NEEDS_STREAM,
    NOT_WITH_STREAM;

    /** The word in answers, for example {@code out_of_range}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
