package dev.darkroom.trainer;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is never trained on.
 *
 * @param concepts emoji that no network sees, in no style
 * @param pairs emoji that no network sees in one style, but in others
 */
record HeldOut(Set<String> concepts, List<EvaluationPrompt> pairs) {
    static final HeldOut NOTHING = new HeldOut(Set.of(), List.of());

    /** The fixed lists beside this class, which every evaluation is made with. */
    static HeldOut fixed() {
        Set<String> concepts = Resources.text("held-out-concepts.txt")
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .collect(Collectors.toUnmodifiableSet());
        return new HeldOut(concepts, EvaluationPrompt.parse(Resources.text("held-out-pairs.txt")));
    }

    boolean contains(String emoji, Style style) {
        return concepts.contains(emoji)
                || pairs.stream().anyMatch(pair -> pair.emoji().equals(emoji) && pair.style() == style);
    }
}
