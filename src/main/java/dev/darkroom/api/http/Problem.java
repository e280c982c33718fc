package dev.darkroom.api.http;

import java.util.Locale;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;

/** An answer that is not what the client wanted: becomes {@code application/problem+json} with a stable code. */
public final class Problem extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** The stable words, each with its one status. */
    public enum Code {
        INVALID_REQUEST(HttpStatus.BAD_REQUEST),
        MALFORMED_REQUEST(HttpStatus.BAD_REQUEST),
        MALFORMED_JSON(HttpStatus.BAD_REQUEST),
        INVALID_PREFER(HttpStatus.BAD_REQUEST),
        INVALID_PARAMETER(HttpStatus.BAD_REQUEST),
        INVALID_IDEMPOTENCY_KEY(HttpStatus.BAD_REQUEST),
        UNAUTHORIZED(HttpStatus.UNAUTHORIZED),
        INSUFFICIENT_SCOPE(HttpStatus.FORBIDDEN),
        INVALID_SIGNATURE(HttpStatus.FORBIDDEN),
        CROSS_ORIGIN(HttpStatus.FORBIDDEN),
        NOT_FOUND(HttpStatus.NOT_FOUND),
        JOB_NOT_FOUND(HttpStatus.NOT_FOUND),
        IMAGE_NOT_FOUND(HttpStatus.NOT_FOUND),
        IMAGE_NOT_READY(HttpStatus.NOT_FOUND),
        MODEL_NOT_FOUND(HttpStatus.NOT_FOUND),
        METHOD_NOT_ALLOWED(HttpStatus.METHOD_NOT_ALLOWED),
        NOT_ACCEPTABLE(HttpStatus.NOT_ACCEPTABLE),
        BODY_TOO_SLOW(HttpStatus.REQUEST_TIMEOUT),
        ALREADY_ENDED(HttpStatus.CONFLICT),
        JOB_CANCELED(HttpStatus.CONFLICT),
        JOB_UNREADABLE(HttpStatus.CONFLICT),
        URL_EXPIRED(HttpStatus.GONE),
        BODY_TOO_LARGE(HttpStatus.CONTENT_TOO_LARGE),
        UNSUPPORTED_MEDIA_TYPE(HttpStatus.UNSUPPORTED_MEDIA_TYPE),
        RANGE_NOT_SATISFIABLE(HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
        EXPECTATION_FAILED(HttpStatus.EXPECTATION_FAILED),
        WRONG_HOST(HttpStatus.MISDIRECTED_REQUEST),
        INVALID_PICTURE(HttpStatus.UNPROCESSABLE_CONTENT),
        TOO_MANY_PIXELS(HttpStatus.UNPROCESSABLE_CONTENT),
        UNSUPPORTED_PICTURE(HttpStatus.UNPROCESSABLE_CONTENT),
        NO_RECIPE(HttpStatus.UNPROCESSABLE_CONTENT),
        INVALID_RECIPE(HttpStatus.UNPROCESSABLE_CONTENT),
        UNSUPPORTED_RECIPE(HttpStatus.UNPROCESSABLE_CONTENT),
        IDEMPOTENCY_KEY_REUSED(HttpStatus.UNPROCESSABLE_CONTENT),
        QUEUE_FULL(HttpStatus.TOO_MANY_REQUESTS),
        RATE_LIMITED(HttpStatus.TOO_MANY_REQUESTS),
        TOO_MANY_JOBS(HttpStatus.TOO_MANY_REQUESTS),
        DAILY_QUOTA_EXCEEDED(HttpStatus.TOO_MANY_REQUESTS),
        TOO_MANY_STREAMS(HttpStatus.TOO_MANY_REQUESTS),
        HEADERS_TOO_LARGE(HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        TOO_MANY_AT_ONCE(HttpStatus.TOO_MANY_REQUESTS),
        JOB_FAILED(HttpStatus.INTERNAL_SERVER_ERROR),
        INTERNAL_ERROR(HttpStatus.INTERNAL_SERVER_ERROR),
        NOT_IMPLEMENTED(HttpStatus.NOT_IMPLEMENTED),
        NO_MODEL_READY(HttpStatus.SERVICE_UNAVAILABLE),
        AUTHENTICATION_UNAVAILABLE(HttpStatus.SERVICE_UNAVAILABLE),
        NO_STREAM_FREE(HttpStatus.SERVICE_UNAVAILABLE),
        DATABASE_UNAVAILABLE(HttpStatus.SERVICE_UNAVAILABLE),
        IMAGE_STORE_UNAVAILABLE(HttpStatus.SERVICE_UNAVAILABLE),
        HTTP_VERSION_NOT_SUPPORTED(HttpStatus.HTTP_VERSION_NOT_SUPPORTED);

        public final HttpStatus status;

        Code(HttpStatus status) {
            this.status = status;
        }

        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Code code;
    private final transient HttpHeaders headers = new HttpHeaders();

    public Problem(Code code, String message) {
        super(message);
        this.code = code;
    }

    public Problem with(String header, String value) {
        headers.add(header, value);
        return this;
    }

    public Code code() {
        return code;
    }

    HttpHeaders headers() {
        return headers;
    }

    public static Problem jobNotFound(String id) {
        return new Problem(Code.JOB_NOT_FOUND, "there is no job " + id);
    }
}
