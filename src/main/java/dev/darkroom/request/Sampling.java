package dev.darkroom.request;

import static dev.darkroom.request.Checks.listed;
import static dev.darkroom.request.Checks.named;
import static dev.darkroom.request.Checks.or;
import static dev.darkroom.request.InvalidRequest.outOfRange;

import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Which sampler takes how many steps through which noise levels.
 *
 * @param sampler the sampler
 * @param schedule spacing of the noise levels; DEFAULT where they are listed
 * @param steps sampling steps, 1 to {@value #MAX_STEPS}; where levels are listed, their number
 * @param timesteps the training timesteps to visit, strictly falling to at least 0; empty to have them chosen
 * @param sigmas the noise levels to visit, noise-to-signal ratios, strictly falling, 1e-6 to 1e6, the final 0 left out;
 *     empty to have them chosen
 */
public record Sampling(
        SamplerKind sampler, SigmaSpacing schedule, int steps, List<Integer> timesteps, List<Double> sigmas) {

    public static final int MAX_STEPS = 150;

    static final Map<String, Object> ABSENT =
            Map.of("schedule", SigmaSpacing.DEFAULT, "timesteps", List.of(), "sigmas", List.of());

    private static final double MIN_SIGMA = 1e-6;
    private static final double MAX_SIGMA = 1e6;

    /** @throws InvalidRequest naming every field that is out of bounds or not for this sampler */
    public Sampling {
        timesteps = List.copyOf(timesteps);
        sigmas = List.copyOf(sigmas);
        List<Violation> wrong = new ArrayList<>();
        check(wrong, sampler, schedule, steps, timesteps, sigmas);
        InvalidRequest.throwIfAny(wrong);
    }

    /** The sampler over levels that the checkpoint and {@code schedule} choose. */
    public static Sampling of(SamplerKind sampler, SigmaSpacing schedule, int steps) {
        return new Sampling(sampler, schedule, steps, List.of(), List.of());
    }

    static Sampling of(Draft draft, ModelInfo info) {
        List<Violation> wrong = new ArrayList<>();
        List<Integer> timesteps = listed(wrong, "timesteps", draft.timesteps());
        List<Double> sigmas = listed(wrong, "sigmas", draft.sigmas());
        SamplerKind sampler = named(
                wrong,
                "sampler",
                Rule.UNKNOWN_SAMPLER,
                draft.sampler(),
                SamplerKind::of,
                SamplerKind.ids(),
                info.sampler());
        boolean asUsual =
                timesteps.isEmpty() && sigmas.isEmpty() && sampler.schedules().contains(info.schedule());
        SigmaSpacing schedule = named(
                wrong,
                "schedule",
                Rule.UNKNOWN_SCHEDULE,
                draft.schedule(),
                SigmaSpacing::of,
                SigmaSpacing.ids(),
                asUsual ? info.schedule() : SigmaSpacing.DEFAULT);
        int levels = timesteps.isEmpty() ? sigmas.size() : timesteps.size();
        int steps = or(draft.steps(), levels > 0 ? levels : info.steps());
        check(wrong, sampler, schedule, steps, timesteps, sigmas);
        checkModel(wrong, info, sampler, steps, timesteps);
        InvalidRequest.throwIfAny(wrong);
        return new Sampling(sampler, schedule, steps, timesteps, sigmas);
    }

    /** The model's own bounds; what lies outside the bounds for all models is reported already. */
    private static void checkModel(
            List<Violation> wrong, ModelInfo info, SamplerKind sampler, int steps, List<Integer> timesteps) {
        int t = timesteps.isEmpty() ? 0 : timesteps.get(0);
        if (t >= info.trainTimesteps()) {
            wrong.add(outOfRange("timesteps", 0, info.trainTimesteps() - 1, t));
        }
        int max = info.maxSteps(sampler);
        if (timesteps.isEmpty() && steps > max && steps <= MAX_STEPS) {
            wrong.add(new Violation(
                    "steps",
                    Rule.OUT_OF_RANGE,
                    "steps must be between 1 and " + max + " with sampler " + sampler.id() + "; given: " + steps));
        }
    }

    private static void check(
            List<Violation> wrong,
            SamplerKind sampler,
            SigmaSpacing schedule,
            int steps,
            List<Integer> timesteps,
            List<Double> sigmas) {
        if (!sampler.schedules().contains(schedule)) {
            String allowed = sampler.schedules().stream().map(SigmaSpacing::id).collect(Collectors.joining(", "));
            wrong.add(notPossible(
                    "schedule",
                    "schedule must be " + allowed + "; given: " + schedule.id() + ", which is",
                    sampler,
                    kind -> kind.schedules().contains(schedule)));
        }
        if (timesteps.isEmpty() && sigmas.isEmpty()) {
            if (steps < 1 || steps > MAX_STEPS) {
                wrong.add(outOfRange("steps", 1, MAX_STEPS, steps));
            }
        }
        if (!timesteps.isEmpty()) {
            if (!sampler.takesTimesteps()) {
                wrong.add(notPossible("timesteps", "timesteps are", sampler, SamplerKind::takesTimesteps));
            }
            checkListed(wrong, "timesteps", timesteps, steps, schedule);
            if (timesteps.stream().anyMatch(t -> t < 0)) {
                wrong.add(new Violation(
                        "timesteps", Rule.OUT_OF_RANGE, "timesteps must be 0 or more; given: " + timesteps));
            }
        }
        if (!sigmas.isEmpty()) {
            if (!sampler.takesSigmas()) {
                wrong.add(notPossible("sigmas", "sigmas are", sampler, SamplerKind::takesSigmas));
            }
            // As samplers compute with them: two that differ as doubles only are no step.
            checkListed(wrong, "sigmas", sigmas.stream().map(Double::floatValue).toList(), steps, schedule);
            if (sigmas.stream().anyMatch(sigma -> !(sigma >= MIN_SIGMA && sigma <= MAX_SIGMA))) {
                wrong.add(new Violation(
                        "sigmas",
                        Rule.OUT_OF_RANGE,
                        "sigmas must be between " + MIN_SIGMA + " and " + MAX_SIGMA + "; given: " + sigmas));
            }
        }
        if (!timesteps.isEmpty() && !sigmas.isEmpty()) {
            wrong.add(
                    new Violation("sigmas", Rule.EXCLUSIVE, "sigmas and timesteps exclude each other; both are given"));
        }
    }

    private static Violation notPossible(
            String field, String what, SamplerKind sampler, Predicate<SamplerKind> allows) {
        String others = Arrays.stream(SamplerKind.values())
                .filter(allows)
                .map(SamplerKind::id)
                .collect(Collectors.joining(", "));
        return new Violation(
                field,
                Rule.NOT_FOR_THIS_SAMPLER,
                what + " not possible with sampler " + sampler.id() + "; possible with " + others);
    }

    private static <T extends Comparable<T>> void checkListed(
            List<Violation> wrong, String field, List<T> levels, int steps, SigmaSpacing schedule) {
        if (levels.size() > MAX_STEPS) {
            wrong.add(new Violation(
                    field,
                    Rule.TOO_LONG,
                    field + " must have at most " + MAX_STEPS + " values; given: " + levels.size()));
        }
        for (int i = 1; i < levels.size(); i++) {
            if (levels.get(i).compareTo(levels.get(i - 1)) >= 0) {
                wrong.add(new Violation(
                        field,
                        Rule.NOT_FALLING,
                        "%s must fall; given: %s after %s".formatted(field, levels.get(i), levels.get(i - 1))));
                break;
            }
        }
        if (steps != levels.size()) {
            wrong.add(new Violation(
                    "steps",
                    Rule.EXCLUSIVE,
                    "steps must be left out, or be the number of " + field + ", " + levels.size() + "; given: "
                            + steps));
        }
        if (schedule != SigmaSpacing.DEFAULT) {
            wrong.add(new Violation(
                    "schedule",
                    Rule.EXCLUSIVE,
                    "schedule must be left out or default where " + field + " are given; given: " + schedule.id()));
        }
    }
}
