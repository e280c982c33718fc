package dev.darkroom.spec;

import dev.darkroom.spec.InvalidImageSpec.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A picture to draw, complete and valid: every default is filled in, every bound is checked. The constructor is the one
 * place that knows the bounds that hold for all models; {@link #of} adds the chosen model's own.
 *
 * @param model the model's name
 * @param prompt what to draw, 1 to {@value #MAX_PROMPT} characters
 * @param negativePrompt what to steer away from, 0 to {@value #MAX_PROMPT} characters
 * @param width pixels, {@value #MIN_SIZE} to {@value #MAX_SIZE}, a multiple of {@value #SIZE_MULTIPLE}
 * @param height pixels, like width
 * @param steps sampling steps, 1 to {@value #MAX_STEPS}
 * @param guidanceScale classifier-free guidance scale (Ho and Salimans 2022), 1 (off) to {@value #MAX_GUIDANCE}
 * @param seed of the first picture, 0 to 2^53 − 1 (exact in JSON); picture <i>i</i> uses {@code seed + i}
 * @param n pictures, 1 to {@value #MAX_N}
 * @param sampler the sampler
 * @param schedule spacing of the noise levels
 */
public record ImageSpec(
        String model,
        String prompt,
        String negativePrompt,
        int width,
        int height,
        int steps,
        double guidanceScale,
        long seed,
        int n,
        SamplerKind sampler,
        SigmaSpacing schedule) {

    public static final int MAX_PROMPT = 2000;
    public static final int MIN_SIZE = 8;
    public static final int MAX_SIZE = 2048;
    public static final int SIZE_MULTIPLE = 4;
    public static final int MAX_STEPS = 150;
    public static final int MAX_GUIDANCE = 30;
    public static final int MAX_N = 8;
    public static final long MAX_SEED = (1L << 53) - 1;

    /** @throws InvalidImageSpec naming every field that is out of bounds, the rule and the value given */
    public ImageSpec {
        List<Violation> wrong = new ArrayList<>();
        checkText(wrong, prompt, negativePrompt);
        checkSize(wrong, "width", width, MIN_SIZE, MAX_SIZE, SIZE_MULTIPLE);
        checkSize(wrong, "height", height, MIN_SIZE, MAX_SIZE, SIZE_MULTIPLE);
        checkNumbers(wrong, steps, guidanceScale, n, seed);
        refuse(wrong);
    }

    /**
     * Fills a draft's gaps with the model's defaults and checks it against the model's limits.
     *
     * @param draft what the client said; its {@code model} is not looked at, {@code info} is that model
     * @throws InvalidImageSpec naming every field that is wrong
     */
    public static ImageSpec of(ImageDraft draft, ModelInfo info) {
        String prompt = or(draft.prompt(), "");
        String negativePrompt = or(draft.negativePrompt(), "");
        int width = or(draft.width(), info.width());
        int height = or(draft.height(), info.height());
        int steps = or(draft.steps(), info.steps());
        double guidanceScale = or(draft.guidanceScale(), info.guidanceScale());
        int n = or(draft.n(), 1);
        long seed = draft.seed() == null ? ThreadLocalRandom.current().nextLong(1L << 32) : draft.seed();

        List<Violation> wrong = new ArrayList<>();
        checkText(wrong, prompt, negativePrompt);
        checkSize(wrong, "width", width, info.minSize(), info.maxSize(), info.sizeMultiple());
        checkSize(wrong, "height", height, info.minSize(), info.maxSize(), info.sizeMultiple());
        checkNumbers(wrong, steps, guidanceScale, n, seed);
        SamplerKind sampler =
                named(wrong, "sampler", draft.sampler(), SamplerKind::of, SamplerKind.ids(), info.sampler());
        SigmaSpacing schedule =
                named(wrong, "schedule", draft.schedule(), SigmaSpacing::of, SigmaSpacing.ids(), info.schedule());
        refuse(wrong);
        return new ImageSpec(
                info.id(), prompt, negativePrompt, width, height, steps, guidanceScale, seed, n, sampler, schedule);
    }

    private static void refuse(List<Violation> wrong) {
        if (!wrong.isEmpty()) {
            throw new InvalidImageSpec(wrong);
        }
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }

    private static <T> T named(
            List<Violation> wrong,
            String field,
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
                    "unknown_" + field,
                    field + " must be one of " + String.join(", ", known) + "; given: \"" + given + "\""));
        }
        return found.orElse(otherwise);
    }

    private static void checkText(List<Violation> wrong, String prompt, String negativePrompt) {
        if (prompt.isBlank()) {
            wrong.add(new Violation("prompt", "empty", "prompt must not be empty"));
        }
        checkLength(wrong, "prompt", prompt);
        checkLength(wrong, "negative_prompt", negativePrompt);
    }

    private static void checkNumbers(List<Violation> wrong, int steps, double guidanceScale, int n, long seed) {
        checkRange(wrong, "steps", steps, 1, MAX_STEPS);
        if (!(guidanceScale >= 1 && guidanceScale <= MAX_GUIDANCE)) {
            wrong.add(outOfRange("guidance_scale", "1", MAX_GUIDANCE, guidanceScale));
        }
        checkRange(wrong, "n", n, 1, MAX_N);
        checkRange(wrong, "seed", seed, 0, MAX_SEED);
    }

    private static void checkLength(List<Violation> wrong, String field, String text) {
        if (text.length() > MAX_PROMPT) {
            wrong.add(new Violation(
                    field,
                    "too_long",
                    field + " must have at most " + MAX_PROMPT + " characters; given: " + text.length()));
        }
    }

    private static void checkRange(List<Violation> wrong, String field, long value, long min, long max) {
        if (value < min || value > max) {
            wrong.add(outOfRange(field, String.valueOf(min), max, value));
        }
    }

    private static Violation outOfRange(String field, String min, Object max, Object given) {
        return new Violation(
                field, "out_of_range", field + " must be between " + min + " and " + max + "; given: " + given);
    }

    private static void checkSize(List<Violation> wrong, String field, int value, int min, int max, int multiple) {
        if (value < min || value > max) {
            wrong.add(outOfRange(field, String.valueOf(min), max, value));
        } else if (value % multiple != 0) {
            wrong.add(new Violation(
                    field, "not_a_multiple", field + " must be a multiple of " + multiple + "; given: " + value));
        }
    }
}
