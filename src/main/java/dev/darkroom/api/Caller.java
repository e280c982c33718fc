package dev.darkroom.api;

import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;

/** Whose turn it is among those who wait: whoever the request was authenticated as, otherwise the address it came from. */
final class Caller {

    private static final int MAX_LENGTH = 200;

    private Caller() {}

    static String of(HttpServletRequest request) {
        Principal principal = request.getUserPrincipal();
        String caller = principal != null ? "name:" + principal.getName() : "address:" + request.getRemoteAddr();
        return caller.substring(0, Math.min(caller.length(), MAX_LENGTH));
    }
}
