package dev.darkroom.api;

import java.io.IOException;
import java.io.Writer;
import java.util.Locale;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;

/**
 * Tomcat's own error answers as problems, for requests so malformed that they reach no handler. Public because Tomcat
 * makes it by name.
 */
public final class ProblemValve extends ErrorReportValve {

    @Override
    protected void report(Request request, Response response, @Nullable Throwable error) {
        HttpStatus status = HttpStatus.resolve(response.getStatus());
        if (status == null || !status.isError() || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        try {
            response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
            response.setCharacterEncoding("UTF-8");
            Writer writer = response.getReporter();
            if (writer != null) {
                writer.write(String.format(
                        Locale.ROOT,
                        """
                        {"title":"%s","status":%d,"detail":"the request is not valid HTTP","code":"%s"}""",
                        status.getReasonPhrase(),
                        status.value(),
                        (status.is4xxClientError() ? Problem.Code.MALFORMED_REQUEST : Problem.Code.INTERNAL_ERROR)
                                .id()));
                response.finishResponse();
            }
        } catch (IOException | IllegalStateException e) {
            // The client has gone or the answer has begun: nothing to say.
        }
    }
}
