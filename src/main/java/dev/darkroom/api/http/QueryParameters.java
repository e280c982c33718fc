package dev.darkroom.api.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.springframework.core.MethodParameter;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/** The query of a request: like fields of a body, what there is not is refused by name, and so is what is said twice. */
public final class QueryParameters implements HandlerInterceptor {

    /** Without a body. The parameters of a form are its body's, but our posts take none. */
    private static final Set<String> BODILESS = Set.of("GET", "HEAD", "DELETE");

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && (BODILESS.contains(request.getMethod()) || method.hasMethodAnnotation(PostMapping.class))) {
            Map<String, Class<?>> known = known(method);
            request.getParameterMap().forEach((name, values) -> check(name, values, known));
        }
        return true;
    }

    private static Map<String, Class<?>> known(HandlerMethod method) {
        Map<String, Class<?>> known = new LinkedHashMap<>();
        for (MethodParameter parameter : method.getMethodParameters()) {
            RequestParam annotation = parameter.getParameterAnnotation(RequestParam.class);
            if (annotation != null) {
                known.put(annotation.name(), parameter.getParameterType());
            }
        }
        return known;
    }

    private static void check(String name, String[] values, Map<String, Class<?>> known) {
        if (!known.containsKey(name)) {
            throw new Problem(
                    Problem.Code.INVALID_PARAMETER,
                    "there is no query parameter \"" + name + "\" here"
                            + RequestBodies.nearest(name, known.keySet())
                                    .map(near -> "; did you mean \"" + near + "\"?")
                                    .orElse("")
                            + (known.isEmpty()
                                    ? "; there is none"
                                    : "; known ones: " + String.join(", ", known.keySet())));
        }
        if (values.length > 1 && !Collection.class.isAssignableFrom(Objects.requireNonNull(known.get(name)))) {
            throw new Problem(Problem.Code.INVALID_PARAMETER, name + " is given " + values.length + " times");
        }
    }
}
