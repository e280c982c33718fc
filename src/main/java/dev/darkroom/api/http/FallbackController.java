package dev.darkroom.api.http;

import io.swagger.v3.oas.annotations.Hidden;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The front door, and the problem for whatever goes wrong before or after our own handlers. */
@RestController
@Hidden
class FallbackController implements ErrorController {

    /** Attribute of a request that is refused before it reaches us: why, for people. */
    static final String DETAIL = FallbackController.class.getName() + ".detail";

    @GetMapping("/")
    ResponseEntity<Void> root(HttpServletRequest request) {
        return ResponseEntity.status(HttpStatus.FOUND)
                .header(HttpHeaders.LOCATION, request.getContextPath() + "/swagger-ui.html")
                .build();
    }

    @RequestMapping("${spring.web.error.path:/error}")
    ResponseEntity<Object> error(HttpServletRequest request) {
        HttpStatus status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer code
                        && HttpStatus.resolve(code) != null
                ? HttpStatus.valueOf(code)
                : HttpStatus.NOT_FOUND;
        String detail = request.getAttribute(DETAIL) instanceof String why ? why : status.getReasonPhrase();
        return Problems.answer(Problems.codeOf(status), detail, List.of(), new HttpHeaders());
    }
}
