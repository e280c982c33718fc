package dev.darkroom.request;

import static dev.darkroom.request.InvalidImageSpec.outOfRange;

import dev.darkroom.request.InvalidImageSpec.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A picture to draw, complete and valid: every default is filled in, every bound is checked. The constructor is the one
 * place that knows the bounds that hold for all models; {@link #of}, the usual way to make one, adds the chosen model's own.
 *
 * @param model the model's name
 * @param prompt what to draw, 1 to {@value #MAX_PROMPT} characters (Unicode code points)
 * @param negativePrompt what to steer away from, 0 to {@value #MAX_PROMPT} characters
 * @param clipSkip how many of the text encoder's last layers are left out, 0 to {@value #MAX_CLIP_SKIP}, counted as
 *     diffusers does: 1 takes the penultimate layer's hidden states
 * @param width pixels, {@value #MIN_SIZE} to {@value #MAX_SIZE}, a multiple of {@value #SIZE_MULTIPLE}
 * @param height pixels, like width
 * @param steps sampling steps, 1 to {@value #MAX_STEPS}
 * @param guidanceScale classifier-free guidance scale (Ho and Salimans 2022), 1 (off) to {@value #MAX_GUIDANCE}
 * @param guidanceRescale φ of Lin et al. 2024, section 3.4: how far the guided prediction is drawn back to the standard
 *     deviation of the unguided one, 0 (not) to 1; only with guidance
 * @param seed of the first picture, picture <i>i</i> uses {@code seed + i}; all of them from 0 to 2^53 − 1 (exact in JSON)
 * @param n pictures, 1 to {@value #MAX_N}
 * @param sampler the sampler
 * @param schedule spacing of the noise levels, as {@link Sampling#schedule}
 * @param timesteps as {@link Sampling#timesteps}
 * @param sigmas as {@link Sampling#sigmas}
 * @param determinism how far it may depend on its company
 * @param previews how many previews are shown of each picture on its way, evenly spread over its steps, 0 to {@value
 *     #MAX_PREVIEWS}; never more than it has steps before the last
 * @param output the kind of file a client gets that does not say
 */
public record ImageSpec(
        String model,
        String prompt,
        String negativePrompt,
        int clipSkip,
        int width,
        int height,
        int steps,
        double guidanceScale,
        double guidanceRescale,
        long seed,
        int n,
        SamplerKind sampler,
        SigmaSpacing schedule,
        List<Integer> timesteps,
        List<Double> sigmas,
        Determinism determinism,
        int previews,
        Output output) {

    public static final int MAX_PROMPT = 2000;
    public static final int MAX_CLIP_SKIP = 11;
    public static final int MIN_SIZE = 8;
    public static final int MAX_SIZE = 2048;
    public static final int SIZE_MULTIPLE = 4;
    public static final int MAX_STEPS = 150;
    public static final int MAX_GUIDANCE = 30;
    public static final int MAX_N = 10;
    public static final int MAX_PREVIEWS = 16;
    public static final long MAX_SEED = (1L << 53) - 1;

    /** @throws InvalidImageSpec naming every field that is out of bounds, the rule and the value given */
    public ImageSpec {
        timesteps = List.copyOf(timesteps);
        sigmas = List.copyOf(sigmas);
        List<Violation> wrong = new ArrayList<>();
        checkText(wrong, prompt, negativePrompt);
        checkSize(wrong, "width", width, MIN_SIZE, MAX_SIZE, SIZE_MULTIPLE);
        checkSize(wrong, "height", height, MIN_SIZE, MAX_SIZE, SIZE_MULTIPLE);
        checkNumbers(wrong, clipSkip, guidanceScale, guidanceRescale, n, seed);
        Sampling.check(wrong, sampler, schedule, steps, timesteps, sigmas);
        checkRange(wrong, "previews", previews, 0, MAX_PREVIEWS);
        InvalidImageSpec.throwIfAny(wrong);
    }

    /**
     * Fills a draft's gaps with the model's defaults and checks it against the model's limits.
     *
     * @param draft what the client said
     * @param info the model that the client chose
     * @throws InvalidImageSpec naming every field that is wrong
     */
    public static ImageSpec of(ImageDraft draft, ModelInfo info) {
        String prompt = or(draft.prompt, "");
        String negativePrompt = or(draft.negativePrompt, "");
        int clipSkip = or(draft.clipSkip, 0);
        int width = or(draft.width, info.width());
        int height = or(draft.height, info.height());
        double guidanceScale = or(draft.guidanceScale, info.guidanceScale());
        double guidanceRescale = or(draft.guidanceRescale, 0.0);
        int n = or(draft.n, 1);
        long seed = draft.seed == null ? ThreadLocalRandom.current().nextLong(1L << 32) : draft.seed;

        List<Violation> wrong = new ArrayList<>();
        checkText(wrong, prompt, negativePrompt);
        checkCharacters(wrong, "prompt", prompt);
        checkCharacters(wrong, "negative_prompt", negativePrompt);
        checkChunks(wrong, "prompt", prompt);
        checkChunks(wrong, "negative_prompt", negativePrompt);
        checkSize(wrong, "width", width, info.minSize(), info.maxSize(), info.sizeMultiple());
        checkSize(wrong, "height", height, info.minSize(), info.maxSize(), info.sizeMultiple());
        checkNumbers(wrong, clipSkip, guidanceScale, guidanceRescale, n, seed);

        if (clipSkip > info.maxClipSkip() && clipSkip <= MAX_CLIP_SKIP) {
            wrong.add(outOfRange("clip_skip", 0, info.maxClipSkip(), clipSkip));
        }

        List<Integer> timesteps = listed(wrong, "timesteps", draft.timesteps);
        List<Double> sigmas = listed(wrong, "sigmas", draft.sigmas);
        SamplerKind sampler = named(
                wrong,
                "sampler",
                Rule.UNKNOWN_SAMPLER,
                draft.sampler,
                SamplerKind::of,
                SamplerKind.ids(),
                info.sampler());
        boolean asUsual =
                timesteps.isEmpty() && sigmas.isEmpty() && sampler.schedules().contains(info.schedule());
        SigmaSpacing schedule = named(
                wrong,
                "schedule",
                Rule.UNKNOWN_SCHEDULE,
                draft.schedule,
                SigmaSpacing::of,
                SigmaSpacing.ids(),
                asUsual ? info.schedule() : SigmaSpacing.DEFAULT);
        int listed = timesteps.isEmpty() ? sigmas.size() : timesteps.size();
        int steps = or(draft.steps, listed > 0 ? listed : info.steps());
        Sampling.check(wrong, sampler, schedule, steps, timesteps, sigmas);
        checkLevels(wrong, info, sampler, steps, timesteps);
        Determinism determinism = named(
                wrong,
                "determinism",
                Rule.UNKNOWN_DETERMINISM,
                draft.determinism,
                Determinism::of,
                Determinism.ids(),
                info.determinism());
        int previews = or(draft.previews, 0);
        checkRange(wrong, "previews", previews, 0, MAX_PREVIEWS);
        OutputFormat format = named(
                wrong,
                "output_format",
                Rule.UNKNOWN_OUTPUT_FORMAT,
                draft.outputFormat,
                OutputFormat::of,
                OutputFormat.ids(),
                OutputFormat.PNG);
        int compression = or(draft.outputCompression, Output.usual(format));
        Output.check(wrong, format, compression);
        InvalidImageSpec.throwIfAny(wrong);
        return new ImageSpec(
                info.id(),
                prompt,
                negativePrompt,
                clipSkip,
                width,
                height,
                steps,
                guidanceScale,
                guidanceRescale,
                seed,
                n,
                sampler,
                schedule,
                timesteps,
                sigmas,
                determinism,
                previews,
                new Output(format, compression));
    }

    public Size size() {
        return new Size(width, height);
    }

    /** The request that draws picture {@code index} of this alone. */
    public ImageSpec single(int index) {
        return new ImageSpec(
                model,
                prompt,
                negativePrompt,
                clipSkip,
                width,
                height,
                steps,
                guidanceScale,
                guidanceRescale,
                seed + index,
                1,
                sampler,
                schedule,
                timesteps,
                sigmas,
                determinism,
                previews,
                output);
    }

    /** The part of this that says how to sample. */
    public Sampling sampling() {
        return new Sampling(sampler, schedule, steps, timesteps, sigmas);
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }

    private static <T> T named(
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

    private static <T> List<T> listed(List<Violation> wrong, String field, @Nullable List<T> given) {
        if (given == null) {
            return List.of();
        }
        if (given.stream().anyMatch(Objects::isNull)) {
            wrong.add(new Violation(field, Rule.WRONG_TYPE, field + " must list numbers; given: " + given));
            return List.of();
        }
        return given; // generated clients say [] for "not said"
    }

    /** The model's own bounds; what lies outside the bounds for all models is reported already. */
    private static void checkLevels(
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

    private static void checkText(List<Violation> wrong, String prompt, String negativePrompt) {
        if (prompt.isBlank()) {
            wrong.add(new Violation("prompt", Rule.EMPTY, "prompt must not be empty"));
        }
        checkLength(wrong, "prompt", prompt);
        checkLength(wrong, "negative_prompt", negativePrompt);
    }

    private static void checkNumbers(
            List<Violation> wrong, int clipSkip, double guidanceScale, double guidanceRescale, int n, long seed) {
        checkRange(wrong, "clip_skip", clipSkip, 0, MAX_CLIP_SKIP);
        if (guidanceScale >= 0 && guidanceScale < 1) {
            wrong.add(new Violation(
                    "guidance_scale",
                    Rule.OUT_OF_RANGE,
                    "guidance_scale must be between 1 and " + MAX_GUIDANCE + "; given: " + guidanceScale
                            + "; write 1 for no guidance"));
        } else if (!(guidanceScale >= 1 && guidanceScale <= MAX_GUIDANCE)) {
            wrong.add(outOfRange("guidance_scale", 1, MAX_GUIDANCE, guidanceScale));
        }
        if (!(guidanceRescale >= 0 && guidanceRescale <= 1)) {
            wrong.add(outOfRange("guidance_rescale", 0, 1, guidanceRescale));
        } else if (guidanceRescale > 0 && guidanceScale == 1) {
            wrong.add(new Violation(
                    "guidance_rescale",
                    Rule.NEEDS_GUIDANCE,
                    "guidance_rescale must be 0 where guidance_scale is 1; given: " + guidanceRescale));
        }
        checkRange(wrong, "n", n, 1, MAX_N);
        long maxSeed = MAX_SEED - Math.max(0, Math.min(n, MAX_N) - 1);
        if (seed == -1) {
            wrong.add(new Violation(
                    "seed",
                    Rule.OUT_OF_RANGE,
                    "seed must be between 0 and " + maxSeed + "; given: -1; leave it out for a random one"));
        } else {
            checkRange(wrong, "seed", seed, 0, maxSeed);
        }
    }

    private static void checkLength(List<Violation> wrong, String field, String text) {
        int characters = text.codePointCount(0, text.length());
        if (characters > MAX_PROMPT) {
            wrong.add(new Violation(
                    field,
                    Rule.TOO_LONG,
                    field + " must have at most " + MAX_PROMPT + " characters; given: " + characters));
        }
    }

    /** Of requests only: jobs that were accepted before are drawn. */
    private static void checkCharacters(List<Violation> wrong, String field, String text) {
        int[] characters = text.codePoints().toArray();
        for (int i = 0; i < characters.length; i++) {
            int character = characters[i];
            boolean space = character == '\t' || character == '\n' || character == '\r';
            if (Character.isISOControl(character) && !space || Character.getType(character) == Character.SURROGATE) {
                wrong.add(new Violation(
                        field,
                        Rule.FORBIDDEN_CHARACTER,
                        String.format(
                                Locale.ROOT,
                                "%s must have no control characters but tabs and line breaks, and no halves of surrogate"
                                        + " pairs; given: U+%04X as character %d",
                                field,
                                character,
                                i + 1)));
                return;
            }
        }
    }

    private static void checkChunks(List<Violation> wrong, String field, String text) {
        int chunks = Cost.chunks(text);
        if (chunks > Cost.MAX_CHUNKS) {
            wrong.add(new Violation(
                    field,
                    Rule.TOO_LONG,
                    field + " must have at most " + Cost.MAX_CHUNKS + " chunks of 75 tokens, and each BREAK begins one;"
                            + " given: " + chunks));
        }
    }

    private static void checkRange(List<Violation> wrong, String field, long value, long min, long max) {
        if (value < min || value > max) {
            wrong.add(outOfRange(field, min, max, value));
        }
    }

    private static void checkSize(List<Violation> wrong, String field, int value, int min, int max, int multiple) {
        if (value < min || value > max) {
            wrong.add(outOfRange(field, min, max, value));
        } else if (value % multiple != 0) {
            wrong.add(new Violation(
                    field, Rule.NOT_A_MULTIPLE, field + " must be a multiple of " + multiple + "; given: " + value));
        }
    }
}
