package dev.darkroom.request;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Pictures to draw, complete and valid: every default is filled in, every bound is checked. Each part knows the bounds that
 * hold for all models; {@link #of}, the usual way to make one, adds the chosen model's own. In rows the parts' components stand
 * side by side, as every version of Darkroom has written them.
 *
 * @param model the model's name
 * @param prompt what they show
 * @param size of each
 * @param sampling the steps from noise to picture
 * @param guidance how strongly the prompt steers
 * @param seeds how many pictures, and the noise that each begins with
 * @param run how they are drawn, whatever they show
 * @param output the kind of file a client gets that does not say
 */
public record Request(
        String model,
        @JsonUnwrapped Prompt prompt,
        @JsonUnwrapped Size size,
        @JsonUnwrapped Sampling sampling,
        @JsonUnwrapped Guidance guidance,
        @JsonUnwrapped Seeds seeds,
        @JsonUnwrapped Run run,
        Output output) {

    /** What rows say nothing of that were written before it could be said. */
    static final Map<String, Object> ABSENT = absent();

    /** @throws InvalidRequest if the size is out of bounds; the other parts are valid by construction */
    public Request {
        size.check(Size.MIN, Size.MAX, Size.MULTIPLE);
    }

    /**
     * Fills a draft's gaps with the model's defaults and checks it against the model's limits.
     *
     * @param draft what the client said
     * @param info the model that the client chose
     * @throws InvalidRequest naming every field that is wrong
     */
    public static Request of(Draft draft, ModelInfo info) {
        List<Violation> wrong = new ArrayList<>();
        Prompt prompt = InvalidRequest.collect(wrong, () -> Prompt.of(draft, info));
        Size size = InvalidRequest.collect(wrong, () -> Size.of(draft, info));
        Guidance guidance = InvalidRequest.collect(wrong, () -> Guidance.of(draft, info));
        Seeds seeds = InvalidRequest.collect(wrong, () -> Seeds.of(draft));
        Sampling sampling = InvalidRequest.collect(wrong, () -> Sampling.of(draft, info));
        Run run = InvalidRequest.collect(wrong, () -> Run.of(draft, info));
        Output output = InvalidRequest.collect(wrong, () -> Output.of(draft));
        InvalidRequest.throwIfAny(wrong);
        return new Request(
                info.id(),
                Objects.requireNonNull(prompt),
                Objects.requireNonNull(size),
                Objects.requireNonNull(sampling),
                Objects.requireNonNull(guidance),
                Objects.requireNonNull(seeds),
                Objects.requireNonNull(run),
                Objects.requireNonNull(output));
    }

    /** The request that draws picture {@code index} of this alone. */
    public Request single(int index) {
        return new Request(model, prompt, size, sampling, guidance, new Seeds(seeds.of(index), 1), run, output);
    }

    private static Map<String, Object> absent() {
        Map<String, Object> absent = new HashMap<>();
        absent.putAll(Prompt.ABSENT);
        absent.putAll(Sampling.ABSENT);
        absent.putAll(Guidance.ABSENT);
        absent.putAll(Run.ABSENT);
        absent.put("output", Output.PNG);
        return absent;
    }
}
