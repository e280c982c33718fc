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
 * Lets a handler ask whether the client of a request that is answered later has hung up, which the Servlet API tells only
 * to those who write. Tomcat is asked to read on without waiting: after the request comes the end of the connection, or
 * nothing.
 */
final class HangUps extends ValveBase {

    private static final String ATTRIBUTE = HangUps.class.getName();

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
        getNext().invoke(request, response);
    }

    /** To be asked only after the body is read and while the answer has not begun. */
    static BooleanSupplier probe(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof BooleanSupplier probe ? probe : () -> false;
    }
}
