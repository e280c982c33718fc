package dev.darkroom.trainer;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The fixed prompts that every evaluation draws. */
record EvaluationSet(List<Part> parts) {
    /** Captions a picture's own one is looked for among. */
    private static final int CANDIDATES = 100;

    /**
     * @param prompts to draw
     * @param real the pictures they ask for, as their designers drew them
     * @param candidates the captions of all prompts, and others up to {@value #CANDIDATES}
     */
    record Part(String name, List<EvaluationPrompt> prompts, List<Icon> real, List<String> candidates) {}

    /**
     * Of trained prompts and of held-out pairs. Where other concepts are learnt than those of the fixed lists, of whatever is learnt.
     */
    static EvaluationSet of(Dataset dataset) {
        List<EvaluationPrompt> trained = EvaluationPrompt.parse(Resources.text("prompts.txt"));
        if (!trained.stream()
                .allMatch(prompt -> dataset.find(prompt, Sample.Use.LISTED).isPresent())) {
            trained = dataset.samples(Sample.Use.LISTED).stream()
                    .map(EvaluationPrompt::of)
                    .limit(CANDIDATES)
                    .toList();
        }
        List<EvaluationPrompt> pairs = HeldOut.fixed().pairs().stream()
                .filter(pair -> dataset.find(pair, Sample.Use.HELD_OUT).isPresent())
                .toList();
        List<Part> parts = new ArrayList<>();
        parts.add(part("trained", dataset, Sample.Use.LISTED, trained, trained));
        if (!pairs.isEmpty()) {
            parts.add(part("held_out_pairs", dataset, Sample.Use.HELD_OUT, pairs, trained));
        }
        return new EvaluationSet(parts);
    }

    private static Part part(
            String name,
            Dataset dataset,
            Sample.Use use,
            List<EvaluationPrompt> prompts,
            List<EvaluationPrompt> others) {
        List<Icon> real = prompts.stream()
                .map(prompt -> dataset.find(prompt, use).orElseThrow().picture())
                .toList();
        List<String> candidates =
                prompts.stream().map(EvaluationPrompt::text).collect(Collectors.toCollection(ArrayList::new));
        others.stream()
                .map(EvaluationPrompt::text)
                .filter(text -> !candidates.contains(text))
                .limit(Math.max(0, CANDIDATES - candidates.size()))
                .toList()
                .forEach(candidates::add);
        return new Part(name, prompts, real, List.copyOf(candidates));
    }
}
