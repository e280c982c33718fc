package dev.darkroom.spec;

import org.jspecify.annotations.Nullable;

/**
 * What a client asked for, before defaults and checks: {@code null} means "not said". {@link ImageSpec#of} turns it into
 * an {@link ImageSpec}.
 */
public record ImageDraft(
        @Nullable String prompt,
        @Nullable String negativePrompt,
        @Nullable String model,
        @Nullable Integer width,
        @Nullable Integer height,
        @Nullable Integer steps,
        @Nullable Double guidanceScale,
        @Nullable Long seed,
        @Nullable Integer n,
        @Nullable String sampler,
        @Nullable String schedule) {

    /** A draft that says only the prompt. */
    public static ImageDraft of(String prompt) {
        return new ImageDraft(prompt, null, null, null, null, null, null, null, null, null, null);
    }
}
