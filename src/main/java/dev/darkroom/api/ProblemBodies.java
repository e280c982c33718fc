package dev.darkroom.api;

import dev.darkroom.api.http.Problem;
import dev.darkroom.api.openai.OpenAiError;
import dev.darkroom.api.openai.OpenAiImagesController;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;

/** Counts the problems that are answered, by their code, logs those that refuse a job, and rewords those at OpenAI's paths. */
@ControllerAdvice
final class ProblemBodies implements ResponseBodyAdvice<Object> {

    private static final Logger log = LoggerFactory.getLogger(ProblemBodies.class);

    private final Metrics metrics;

    ProblemBodies(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public boolean supports(MethodParameter answer, Class<? extends HttpMessageConverter<?>> converter) {
        return true; // what the body is and which path, only beforeBodyWrite is told
    }

    @Override
    public @Nullable Object beforeBodyWrite(
            @Nullable Object body,
            MethodParameter answer,
            MediaType type,
            Class<? extends HttpMessageConverter<?>> converter,
            ServerHttpRequest request,
            ServerHttpResponse response) {
        if (!(body instanceof ProblemDetail problem)) {
            return body;
        }
        Map<String, Object> properties = problem.getProperties();
        Object code = properties == null ? null : properties.get("code");
        metrics.count(Metric.REFUSALS, 1, code == null ? "other" : code.toString());
        if (request.getMethod().equals(HttpMethod.POST)
                && !Problem.Code.TOO_MANY_AT_ONCE.id().equals(code)) { // too often to be worth a line
            log.info("Refused a job: {} {}", problem.getStatus(), code);
        }
        if (!request.getURI().getPath().startsWith(OpenAiImagesController.FAMILY)) {
            return body;
        }
        response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
        if (Problem.Code.JOB_FAILED.id().equals(code)
                || Problem.Code.JOB_CANCELED.id().equals(code)) {
            response.getHeaders().set("x-should-retry", "false"); // OpenAI's clients would draw it twice more
        }
        return OpenAiError.of(problem);
    }
}
