package dev.darkroom.api.http;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.slf4j.MDC;

/**
 * Gives every request an id, the caller's {@code X-Request-Id} where it is a plain word of at most 64 characters: it is in the
 * answer, and in the lines of the log that are written on the way, as {@code request_id}.
 */
public final class RequestIds extends ValveBase {
    static final String HEADER = "X-Request-Id";

    private static final String FIELD = "request_id";
    private static final String ATTRIBUTE = RequestIds.class.getName();
    private static final Pattern SANE = Pattern.compile("[A-Za-z0-9._:/+=-]{1,64}");

    public RequestIds() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        // An answer that was waited for comes here again.
        String id = request.getAttribute(ATTRIBUTE) instanceof String known ? known : id(request);
        request.setAttribute(ATTRIBUTE, id);
        if (!response.isCommitted()) {
            response.setHeader(HEADER, id);
        }
        try (MDC.MDCCloseable field = MDC.putCloseable(FIELD, id)) {
            getNext().invoke(request, response);
        }
    }

    private static String id(Request request) {
        String given = request.getHeader(HEADER);
        return given != null && SANE.matcher(given).matches()
                ? given
                : UUID.randomUUID().toString();
    }
}
