package dev.darkroom.api.http;

import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
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
public final class HangUps extends ValveBase {

    private static final String ATTRIBUTE = HangUps.class.getName();
    private static final String END = ATTRIBUTE + ".end";

    public HangUps() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        org.apache.coyote.Request connection = request.getCoyoteRequest();
        if (request.getAttribute(ATTRIBUTE) instanceof Probe earlier) {
            earlier.end(); // its request comes again, for the answer
        }
        Probe probe = new Probe(connection);
        request.setAttribute(ATTRIBUTE, probe);
        Runnable end = () -> connection.action(ActionCode.DISABLE_SWALLOW_INPUT, null);
        request.setAttribute(END, end);
        try {
            getNext().invoke(request, response);
        } finally {
            if (request.isAsyncStarted()) {
                request.getAsyncContext().addListener(probe);
            } else {
                probe.end();
            }
        }
    }

    /** Ends with its request: Tomcat then gives the connection, and what stands for the request, to somebody else. */
    private static final class Probe implements BooleanSupplier, AsyncListener {
        private final org.apache.coyote.Request connection;
        private boolean ended;

        Probe(org.apache.coyote.Request connection) {
            this.connection = connection;
        }

        @Override
        public synchronized boolean getAsBoolean() {
            if (ended) {
                return false;
            }
            connection.action(ActionCode.AVAILABLE, true);
            return connection.getAvailable() == 1; // what Tomcat says of a failed read; a next request has more bytes
        }

        synchronized void end() {
            ended = true;
        }

        @Override
        public void onComplete(AsyncEvent event) {
            end();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            end();
        }

        @Override
        public void onError(AsyncEvent event) {
            end();
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            event.getAsyncContext().addListener(this);
        }
    }

    /** Leaves what is still to come of the body, and closes the connection after the answer. */
    static void end(HttpServletRequest request) {
        if (request.getAttribute(END) instanceof Runnable end) {
            end.run();
        }
    }

    /** To be asked only after the body is read and while the answer has not begun; says no when the request is over. */
    public static BooleanSupplier probe(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof BooleanSupplier probe ? probe : () -> false;
    }
}
