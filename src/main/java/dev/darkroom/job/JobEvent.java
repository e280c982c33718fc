package dev.darkroom.job;

import java.time.Instant;
import java.util.Locale;

/**
 * Something that happened to a job.
 *
 * @param sequence 1, 2, … within the job
 * @param data JSON object: {@code {image, step, steps}} of a step, and {@code preview: {content_type, data}} as long as it is
 *     the newest preview of a picture on its way; {@code {index}} of an image; otherwise empty
 */
public record JobEvent(long sequence, Type type, String data, Instant at) {

    /** What happened. */
    public enum Type {
        QUEUED,
        STARTED,
        STEP,
        IMAGE,
        SUCCEEDED,
        FAILED,
        CANCELED;

        /** The word in rows and in the event stream, for example {@code step}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** No event of the job follows. */
        public boolean isFinal() {
            return switch (this) {
                case QUEUED, STARTED, STEP, IMAGE -> false;
                case SUCCEEDED, FAILED, CANCELED -> true;
            };
        }
    }
}
