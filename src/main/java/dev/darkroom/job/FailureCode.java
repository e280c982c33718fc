package dev.darkroom.job;

import java.util.Locale;

/** Why a job failed: the same stable word in the job's row, its events and every answer. */
public enum FailureCode {
    /** The networks or the sampler threw. */
    DRAWING_FAILED,
    /** The device or the heap had no memory left for the picture. */
    OUT_OF_MEMORY,
    /** The model was known when the job was accepted and cannot be opened now. */
    MODEL_UNAVAILABLE,
    /** It had not ended by the time that the request allowed. */
    EXPIRED,
    /** Its worker died several times while drawing it, so it is not tried again. */
    INTERRUPTED_TOO_OFTEN,
    /** A prompt has more chunks than a prompt may have, as its model's tokenizer counts them. */
    PROMPT_TOO_LONG,
    /** A network of the model made NaN or infinity, so that there is no picture. */
    NOT_FINITE,
    /** It was written by another version of Darkroom, and none that can read it draws. */
    UNREADABLE;

    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
