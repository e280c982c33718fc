package dev.darkroom.api.http;

import java.io.IOException;
import java.io.Writer;
import java.util.Locale;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;

/**
 * Tomcat's own error answers as problems, for requests so malformed that they reach no handler. Public because Tomcat
 * makes it by name.
 */
public final class ProblemValve extends ErrorReportValve {

    /** Tomcat tells headers that are too large from others only by this message. */
    private static final String TOO_LARGE =
            StringManager.getManager(AbstractHttp11Protocol.class).getString("iib.requestheadertoolarge.error");

    @Override
    protected void report(Request request, Response response, @Nullable Throwable error) {
        HttpStatus status = HttpStatus.resolve(response.getStatus());
        if (status == null || !status.isError() || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        Problem problem = problem(request, status, error);
        try {
            response.setStatus(problem.code().status.value());
            response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
            response.setCharacterEncoding("UTF-8");
            Writer writer = response.getReporter();
            if (writer != null) {
                writer.write(String.format(
                        Locale.ROOT,
                        """
                        {"title":"%s","status":%d,"detail":"%s","code":"%s"}""",
                        problem.code().status.getReasonPhrase(),
                        problem.code().status.value(),
                        problem.getMessage(),
                        problem.code().id()));
                response.finishResponse();
            }
        } catch (IOException | IllegalStateException e) {
            // The client has gone or the answer has begun: nothing to say.
        }
    }

    private static Problem problem(Request request, HttpStatus status, @Nullable Throwable error) {
        if (error != null
                && TOO_LARGE.equals(error.getMessage())
                && request.getConnector().getProtocolHandler() instanceof AbstractHttp11Protocol<?> protocol) {
            return new Problem(
                    Problem.Code.HEADERS_TOO_LARGE,
                    "the request line and the header fields together must have at most "
                            + protocol.getMaxHttpRequestHeaderSize() + " bytes");
        }
        return switch (status) {
            case EXPECTATION_FAILED -> new Problem(Problem.Code.EXPECTATION_FAILED, "Expect may be 100-continue only");
            case NOT_IMPLEMENTED -> new Problem(Problem.Code.NOT_IMPLEMENTED, "Transfer-Encoding may be chunked only");
            case HTTP_VERSION_NOT_SUPPORTED ->
                new Problem(Problem.Code.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 and HTTP/1.0 are spoken here");
            default ->
                status.is4xxClientError()
                        ? new Problem(Problem.Code.MALFORMED_REQUEST, "the request is not valid HTTP")
                        : new Problem(Problem.Code.INTERNAL_ERROR, "something went wrong here; the log says what");
        };
    }
}
