package dev.darkroom.pipeline;

import dev.darkroom.request.Cost;

/** A prompt has more chunks than a request may have, as the model's tokenizer counts them. */
public final class PromptTooLong extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PromptTooLong(int chunks) {
        super(
                "prompt and negative_prompt must have at most " + Cost.MAX_CHUNKS
                        + " chunks of 75 tokens; as the model's" + " tokenizer counts them, there are " + chunks,
                null,
                false,
                false);
    }
}
