package dev.darkroom.api.v1;

import dev.darkroom.api.http.Problem;
import dev.darkroom.job.Job;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Where a page of jobs begins: after a job, whose id it has in a form that nobody is tempted to build. */
final class Cursor {

    static final String FORM = "^[A-Za-z0-9_-]{1,80}$";

    private Cursor() {}

    static String after(Job job) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(job.id().getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * The id of the job before the page; null for the first page.
     *
     * @throws Problem if it is none of ours
     */
    static @Nullable String read(@Nullable String cursor) {
        if (cursor == null) {
            return null;
        }
        String id = "";
        if (cursor.matches(FORM)) {
            try {
                id = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.US_ASCII);
            } catch (IllegalArgumentException e) {
                id = "";
            }
        }
        if (!id.matches("job_[0-9a-z]{26}")) {
            throw new Problem(
                    Problem.Code.INVALID_PARAMETER,
                    "cursor must be the next_cursor of a page before; given: " + cursor);
        }
        return id;
    }
}
