package dev.darkroom.api.who;

import dev.darkroom.api.http.Problem;
import dev.darkroom.job.Jobs;
import io.github.bucket4j.Bucket;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

/**
 * What holds for every operation, so that none can forget it: a caller's requests per minute; that a job in the path is
 * the caller's own, another's being no different from none; the line in the audit log.
 */
@Component
public class Gate implements HandlerInterceptor {

    /** The paths it stands before. */
    public static final String PATHS = "/v1/**";

    private static final String JOBS = "/v1/jobs/{id}";
    private static final String JOB = Gate.class.getName() + ".job";

    private final Jobs jobs;
    private final Map<String, Bucket> rates = new ConcurrentHashMap<>();

    Gate(Jobs jobs) {
        this.jobs = jobs;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getDispatcherType() != DispatcherType.REQUEST) {
            return true; // an answer that was waited for
        }
        Caller caller = Caller.of(request);
        keepToRate(request, caller);
        String pattern = pattern(request);
        if (pattern.startsWith(JOBS)
                && request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> path
                && path.get("id") instanceof String id) {
            Optional<String> owner = jobs.caller(id);
            if (owner.filter(caller::mayHave).isEmpty()) {
                owner.ifPresent(other -> Audit.log(request, caller, what(request), id, "404:foreign"));
                throw Problem.jobNotFound(id);
            }
            request.setAttribute(JOB, id);
        }
        return true;
    }

    private void keepToRate(HttpServletRequest request, Caller caller) {
        Integer perMinute = caller.requestsPerMinute();
        if (perMinute == null) {
            return;
        }
        long wait = rates.computeIfAbsent(
                        caller.id(),
                        id -> Bucket.builder()
                                .addLimit(limit ->
                                        limit.capacity(perMinute).refillGreedy(perMinute, Duration.ofMinutes(1)))
                                .build())
                .tryConsumeAndReturnRemaining(1)
                .getNanosToWaitForRefill();
        if (wait > 0) {
            Audit.log(request, caller, what(request), null, "429:rate_limited");
            throw new Problem(
                            Problem.Code.RATE_LIMITED,
                            "the caller may send " + perMinute + " requests a minute and has sent more")
                    .with(HttpHeaders.RETRY_AFTER, Long.toString(TimeUnit.NANOSECONDS.toSeconds(wait) + 1));
        }
    }

    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        if (request.getMethod().equals("GET") || request.getMethod().equals("HEAD")) {
            return;
        }
        Object job = request.getAttribute(JOB);
        Audit.log(
                request,
                Caller.of(request),
                what(request),
                job instanceof String id ? id : created(response),
                Integer.toString(response.getStatus()));
    }

    private static @Nullable String created(HttpServletResponse response) {
        String location = response.getHeader(HttpHeaders.LOCATION);
        if (location == null) {
            return null;
        }
        return location.substring(location.lastIndexOf('/') + 1);
    }

    private static String what(HttpServletRequest request) {
        return request.getMethod() + ":" + pattern(request);
    }

    private static String pattern(HttpServletRequest request) {
        return String.valueOf(request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE));
    }
}
