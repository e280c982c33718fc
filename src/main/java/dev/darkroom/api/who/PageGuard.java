package dev.darkroom.api.who;

import dev.darkroom.api.http.ApiSettings;
import dev.darkroom.api.http.Problem;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.security.autoconfigure.web.servlet.SecurityFilterProperties;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * A server that asks nobody for credentials serves whoever is on this machine, and so is a browser with any page of the
 * world in it. This keeps those pages out, on every path: the {@code Host} must be this machine, or a page could point its
 * own name here (DNS rebinding); and what a browser says comes from a page of another origin is refused, whatever
 * the method and the type of the body. Links to be followed are no calls of a page.
 */
@Component
@Order(SecurityFilterProperties.DEFAULT_FILTER_ORDER + 1)
final class PageGuard extends OncePerRequestFilter {

    private static final Set<String> THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]");

    /** Of browsers since 2020 (2023 with Safari), also where they send no {@code Origin}: on {@code GET} for an image or a script. */
    private static final String SITE = "Sec-Fetch-Site";

    private static final String MODE = "Sec-Fetch-Mode";
    private static final String DESTINATION = "Sec-Fetch-Dest";

    private final boolean standing;
    private final Refusals refusals;
    private final List<String> allowed;

    PageGuard(SecurityConfiguration.Audience audience, Refusals refusals, ApiSettings settings) {
        this.standing = audience == SecurityConfiguration.Audience.THIS_MACHINE;
        this.refusals = refusals;
        this.allowed = settings.corsOrigins();
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !standing || isSigned(request);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!THIS_MACHINE.contains(request.getServerName().toLowerCase(Locale.ROOT))) {
            refusals.refuse(
                    request,
                    response,
                    new Problem(
                            Problem.Code.WRONG_HOST,
                            "only this machine is served, under the names localhost, 127.0.0.1 and [::1]; Host says another"));
        } else if (isOfAnotherPage(request)) {
            refusals.refuse(
                    request,
                    response,
                    new Problem(
                            Problem.Code.CROSS_ORIGIN,
                            "a web page of another origin may not call a server without credentials; darkroom.cors-origins"
                                    + " lists those that may"));
        } else {
            chain.doFilter(request, response);
        }
    }

    /** Whoever has such an address may show the picture, on any page. */
    private static boolean isSigned(HttpServletRequest request) {
        return SecurityConfiguration.isReading(request)
                && request.getRequestURI().startsWith(SecurityConfiguration.SIGNED_PICTURES);
    }

    private boolean isOfAnotherPage(HttpServletRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin != null) {
            String own = request.getScheme() + "://" + request.getHeader(HttpHeaders.HOST);
            return !origin.equalsIgnoreCase(own) && !isAllowed(origin);
        }
        String site = request.getHeader(SITE);
        boolean own = site == null || site.equals("same-origin") || site.equals("none");
        return !own && !isLinkFollowed(request) && !isAllowed(origin(request.getHeader(HttpHeaders.REFERER)));
    }

    private boolean isAllowed(@Nullable String origin) {
        return allowed.contains("*") || origin != null && allowed.stream().anyMatch(origin::equalsIgnoreCase);
    }

    private static boolean isLinkFollowed(HttpServletRequest request) {
        return request.getMethod().equals("GET")
                && "navigate".equals(request.getHeader(MODE))
                && "document".equals(request.getHeader(DESTINATION));
    }

    private static @Nullable String origin(@Nullable String page) {
        try {
            URI address = page == null ? null : URI.create(page);
            return address == null || address.getRawAuthority() == null
                    ? null
                    : address.getScheme() + "://" + address.getRawAuthority();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
