package dev.darkroom.api;

import dev.darkroom.job.Metric;
import dev.darkroom.job.Metrics;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;

/** Counts the problems that are answered, by their code; before {@link OpenAiError} rewords them. */
@ControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
final class RefusalCounter implements ResponseBodyAdvice<Object> {

    private final Metrics metrics;

    RefusalCounter(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public boolean supports(MethodParameter answer, Class<? extends HttpMessageConverter<?>> converter) {
        return true;
    }

    @Override
    public @Nullable Object beforeBodyWrite(
            @Nullable Object body,
            MethodParameter answer,
            MediaType type,
            Class<? extends HttpMessageConverter<?>> converter,
            ServerHttpRequest request,
            ServerHttpResponse response) {
        if (body instanceof ProblemDetail problem) {
            Map<String, Object> properties = problem.getProperties();
            Object code = properties == null ? null : properties.get("code");
            metrics.count(Metric.REFUSALS, 1, code == null ? "other" : code.toString());
        }
        return body;
    }
}
