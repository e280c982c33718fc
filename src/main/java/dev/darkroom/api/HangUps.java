package dev.darkroom.api;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

/**
 * Lets a filter hang up after its answer on a client whose request is not worth waiting for, and lets a handler ask whether the client of a request that is answered later has hung up, which the Servlet API tells only
 * to those who write. Tomcat is asked to read on without waiting: after the request comes the end of the connection, or
 * nothing.
 */
final class HangUps extends ValveBase {

    private static final String ATTRIBUTE = HangUps.class.getName();
    private static final String END = ATTRIBUTE + ".end";

    HangUps() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        org.apache.coyote.Request connection = request.getCoyoteRequest();
        BooleanSupplier probe = () -> {
            connection.action(ActionCode.AVAILABLE, true);
            return connection.getAvailable() == 1; // what Tomcat says of a failed read; a next request has more bytes
        };
        request.setAttribute(ATTRIBUTE, probe);
        Runnable end = () -> connection.action(ActionCode.DISABLE_SWALLOW_INPUT, null);
        request.setAttribute(END, end);
        getNext().invoke(request, response);
    }

    /** Leaves what is still to come of the body, and closes the connection after the answer. */
    static void end(HttpServletRequest request) {
        if (request.getAttribute(END) instanceof Runnable end) {
            end.run();
        }
    }

    /** To be asked only after the body is read and while the answer has not begun. */
    static BooleanSupplier probe(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof BooleanSupplier probe ? probe : () -> false;
    }
}
