package dev.darkroom.api.who;

import dev.darkroom.api.http.Problem;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.InsufficientAuthenticationException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** What is refused before it reaches a handler, as problems like all others. */
@Component
class Refusals implements AuthenticationEntryPoint, AccessDeniedHandler, RequestRejectedHandler {

    private static final String REALM = "Bearer realm=\"darkroom\"";

    private final HandlerExceptionResolver problems;

    Refusals(@Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    /** RFC 6750 section 3: the reason only where credentials were given. */
    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException refused) {
        if (refused instanceof AuthenticationServiceException) {
            refuse(
                    request,
                    response,
                    new Problem(
                                    Problem.Code.AUTHENTICATION_UNAVAILABLE,
                                    "who you are cannot be found out now; nothing was accepted")
                            .with(HttpHeaders.RETRY_AFTER, "5"));
            return;
        }
        boolean given = !(refused instanceof InsufficientAuthenticationException);
        String detail = given
                ? refused instanceof BadCredentials ? String.valueOf(refused.getMessage()) : "the token is not valid"
                : "this needs an API key or a token: Authorization: Bearer …, or a key in api-key, x-api-key or as the password of"
                        + " Authorization: Basic";
        refuse(
                request,
                response,
                new Problem(Problem.Code.UNAUTHORIZED, detail)
                        .with(HttpHeaders.WWW_AUTHENTICATE, given ? REALM + ", error=\"invalid_token\"" : REALM));
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException refused) {
        String scope = SecurityConfiguration.scope(request).id();
        refuse(
                request,
                response,
                new Problem(Problem.Code.INSUFFICIENT_SCOPE, "this needs the scope " + scope)
                        .with(
                                HttpHeaders.WWW_AUTHENTICATE,
                                REALM + ", error=\"insufficient_scope\", scope=\"" + scope + "\""));
    }

    /** The firewall's own words have the address in them. */
    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, RequestRejectedException refused) {
        problems.resolveException(
                request,
                response,
                null,
                new Problem(
                        Problem.Code.MALFORMED_REQUEST,
                        request.getRequestURI().contains("//")
                                ? "the path has two slashes in a row; one is meant, perhaps where a base address ends"
                                : "the method, the path or a header has characters that are not taken"));
    }

    /** Answers with the problem, and says so in the audit log. */
    void refuse(HttpServletRequest request, HttpServletResponse response, Problem problem) {
        Caller caller = Caller.of(request);
        Audit.log(
                request,
                caller.known() ? caller : null,
                SecurityConfiguration.method(request),
                null,
                problem.code().status.value() + ":" + problem.code().id());
        turnAway(request, response, problem);
    }

    /** Answers with the problem and does nothing else, for what comes too often to be worth a line. */
    void turnAway(HttpServletRequest request, HttpServletResponse response, Problem problem) {
        problems.resolveException(request, response, null, problem);
    }

    /** Credentials that let nobody in; the message has nothing of them. */
    static final class BadCredentials extends AuthenticationException {
        private static final long serialVersionUID = 1L;

        BadCredentials(String message) {
            super(message);
        }
    }
}
