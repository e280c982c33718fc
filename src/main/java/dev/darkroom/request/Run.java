package dev.darkroom.request;

import static dev.darkroom.request.Checks.or;

import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How the pictures are drawn, whatever they show.
 *
 * @param determinism how far they may depend on their company
 * @param previews how many previews are shown of each picture on its way, evenly spread over its steps, 0 to {@value
 *     #MAX_PREVIEWS}; never more than it has steps before the last
 */
public record Run(Determinism determinism, int previews) {

    public static final int MAX_PREVIEWS = 16;

    static final Map<String, Object> ABSENT = Map.of("determinism", Determinism.FAST, "previews", 0);

    /** @throws InvalidRequest if there are too many previews */
    public Run {
        List<Violation> wrong = new ArrayList<>();
        check(wrong, previews);
        InvalidRequest.throwIfAny(wrong);
    }

    static Run of(Draft draft, ModelInfo info) {
        List<Violation> wrong = new ArrayList<>();
        Determinism determinism = Checks.named(
                wrong,
                "determinism",
                Rule.UNKNOWN_DETERMINISM,
                draft.determinism(),
                Determinism::of,
                Determinism.ids(),
                info.determinism());
        int previews = or(draft.previews(), 0);
        check(wrong, previews);
        InvalidRequest.throwIfAny(wrong);
        return new Run(determinism, previews);
    }

    private static void check(List<Violation> wrong, int previews) {
        Checks.range(wrong, "previews", previews, 0, MAX_PREVIEWS);
    }
}
