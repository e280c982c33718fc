package dev.darkroom.api.who;

import dev.darkroom.api.http.ApiSettings;
import dev.darkroom.api.http.Problem;
import dev.darkroom.job.SharedConnections;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.boot.security.autoconfigure.web.servlet.SecurityFilterProperties;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Lets only so many requests of one caller be worked on at a time, so that nobody has all threads and all connections to
 * the database, and says what kind of connections a request gets. A request that only waits for a job counts no more, nor does an open
 * stream. Stands before anybody is asked who he is, since that takes a connection too: callers are told apart by the
 * credentials they send, others by their address.
 */
@Component
@Order(SecurityFilterProperties.DEFAULT_FILTER_ORDER - 1)
class Turnstile extends OncePerRequestFilter {

    private final Map<String, Integer> working = new ConcurrentHashMap<>();
    private final Credentials credentials = new Credentials();
    private final SecurityConfiguration.Audience audience;
    private final int most;
    private final Refusals refusals;

    Turnstile(SecurityConfiguration.Audience audience, ApiSettings limits, Refusals refusals) {
        this.audience = audience;
        this.most = limits.maxRequestsPerCaller();
        this.refusals = refusals;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String caller = caller(request);
        boolean enters = working.merge(caller, 1, Integer::sum) <= most;
        try {
            if (enters) {
                SharedConnections.Task<ServletException, IOException> work = () -> chain.doFilter(request, response);
                if (SecurityConfiguration.isReading(request)) {
                    SharedConnections.reading(caller, work);
                } else {
                    SharedConnections.writing(caller, work);
                }
            } else {
                refusals.turnAway(
                        request,
                        response,
                        new Problem(
                                        Problem.Code.TOO_MANY_AT_ONCE,
                                        "the caller has " + most
                                                + " requests in work, as many as it may; wait for their"
                                                + " answers, or follow jobs by their events")
                                .with(HttpHeaders.RETRY_AFTER, "1"));
            }
        } finally {
            working.computeIfPresent(caller, (key, count) -> count == 1 ? null : count - 1);
        }
    }

    private String caller(HttpServletRequest request) {
        String sent = null;
        if (audience == SecurityConfiguration.Audience.KNOWN) {
            try {
                sent = credentials.resolve(request);
            } catch (OAuth2AuthenticationException e) {
                // Will be refused.
            }
        }
        return sent == null ? "address:" + request.getRemoteAddr() : sent;
    }

    /** The answer that was waited for is worked on too, but it is past being refused. */
    @Override
    protected boolean shouldNotFilterAsyncDispatch() {
        return true;
    }
}
