package dev.darkroom.api.http;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.regex.Pattern;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/**
 * Refuses an {@code X-Forwarded-Prefix} that is no path (RFC 3986 section 3.3). Spring takes it as it is, and then fails at the first use of
 * the path, even in its answer to the failure.
 */
public final class ForwardedPrefix extends ValveBase {

    private static final String HEADER = "X-Forwarded-Prefix";
    private static final Pattern NOT_OF_A_PATH = Pattern.compile("[^\\w.~!$&'()*+;=:@/%-]|%(?![0-9A-Fa-f]{2})");

    public ForwardedPrefix() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        if (!Collections.list(request.getHeaders(HEADER)).stream().allMatch(ForwardedPrefix::isPath)) {
            request.getCoyoteRequest().getMimeHeaders().removeHeader(HEADER);
            request.setAttribute(FallbackController.DETAIL, HEADER + " must be a path that begins with /");
            response.sendError(HttpServletResponse.SC_BAD_REQUEST);
            return;
        }
        getNext().invoke(request, response);
    }

    /** Each proxy on the way may add its own after a comma. */
    private static boolean isPath(String prefixes) {
        return Arrays.stream(prefixes.split(","))
                .map(String::strip)
                .allMatch(prefix -> (prefix.isEmpty() || prefix.startsWith("/"))
                        && !NOT_OF_A_PATH.matcher(prefix).find());
    }
}
