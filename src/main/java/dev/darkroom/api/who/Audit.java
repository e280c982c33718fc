package dev.darkroom.api.who;

import jakarta.servlet.http.HttpServletRequest;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The audit log: a line for everything that a caller changes, and for everything that is refused because of who it is.
 * What was asked for, prompts and keys are not in it; what callers choose freely is cut and cleaned.
 */
final class Audit {

    private static final Logger log = LoggerFactory.getLogger("darkroom.audit");

    private static final Pattern UNPRINTABLE = Pattern.compile("[^\\x21-\\x7e]");
    private static final int MAX_LENGTH = 200;

    private Audit() {}

    /**
     * @param caller null if it is not known
     * @param what the operation: method and path pattern, or a word
     * @param job only of a job that exists
     * @param outcome a status and, of a refusal, its code
     */
    static void log(
            HttpServletRequest request, @Nullable Caller caller, String what, @Nullable String job, String outcome) {
        log.info(
                "who={} what={} job={} outcome={} address={}",
                caller == null ? "-" : clean(caller.id()),
                what,
                job == null ? "-" : clean(job),
                outcome,
                clean(request.getRemoteAddr()));
    }

    /** One word of plain characters: no line of the log can be forged. */
    private static String clean(String text) {
        String word = UNPRINTABLE.matcher(text).replaceAll("_");
        return word.substring(0, Math.min(word.length(), MAX_LENGTH));
    }
}
