package dev.darkroom.request;

import static dev.darkroom.request.Checks.or;
import static dev.darkroom.request.InvalidRequest.outOfRange;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a picture shows.
 *
 * @param text what to draw, 1 to {@value #MAX_LENGTH} characters (Unicode code points)
 * @param negative what to steer away from, 0 to {@value #MAX_LENGTH} characters
 * @param clipSkip how many of the text encoder's last layers are left out, 0 to {@value #MAX_CLIP_SKIP}, counted as
 *     diffusers does: 1 takes the penultimate layer's hidden states
 */
public record Prompt(
        @JsonProperty("prompt") String text,
        @JsonProperty("negativePrompt") String negative,
        @JsonProperty("clipSkip") int clipSkip) {

    public static final int MAX_LENGTH = 2000;
    public static final int MAX_CLIP_SKIP = 11;

    static final Map<String, Object> ABSENT = Map.of("negativePrompt", "", "clipSkip", 0);

    /** @throws InvalidRequest naming every field that is out of bounds */
    public Prompt {
        List<Violation> wrong = new ArrayList<>();
        check(wrong, text, negative, clipSkip);
        InvalidRequest.throwIfAny(wrong);
    }

    static Prompt of(Draft draft, ModelInfo info) {
        String text = or(draft.prompt(), "");
        String negative = or(draft.negativePrompt(), "");
        int clipSkip = or(draft.clipSkip(), 0);
        List<Violation> wrong = new ArrayList<>();
        check(wrong, text, negative, clipSkip);
        checkCharacters(wrong, "prompt", text);
        checkCharacters(wrong, "negative_prompt", negative);
        checkChunks(wrong, "prompt", text);
        checkChunks(wrong, "negative_prompt", negative);
        if (clipSkip > info.maxClipSkip() && clipSkip <= MAX_CLIP_SKIP) {
            wrong.add(outOfRange("clip_skip", 0, info.maxClipSkip(), clipSkip));
        }
        InvalidRequest.throwIfAny(wrong);
        return new Prompt(text, negative, clipSkip);
    }

    private static void check(List<Violation> wrong, String text, String negative, int clipSkip) {
        if (text.isBlank()) {
            wrong.add(new Violation("prompt", Rule.EMPTY, "prompt must not be empty"));
        }
        checkLength(wrong, "prompt", text);
        checkLength(wrong, "negative_prompt", negative);
        Checks.range(wrong, "clip_skip", clipSkip, 0, MAX_CLIP_SKIP);
    }

    private static void checkLength(List<Violation> wrong, String field, String text) {
        int characters = text.codePointCount(0, text.length());
        if (characters > MAX_LENGTH) {
            wrong.add(new Violation(
                    field,
                    Rule.TOO_LONG,
                    field + " must have at most " + MAX_LENGTH + " characters; given: " + characters));
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
}
