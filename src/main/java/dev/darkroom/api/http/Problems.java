package dev.darkroom.api.http;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.api.http.Problem.Code;
import dev.darkroom.blobs.ImageStoreUnavailable;
import dev.darkroom.job.IdempotencyKey;
import dev.darkroom.job.QueueFull;
import dev.darkroom.job.QuotaExceeded;
import dev.darkroom.picture.InvalidPicture;
import dev.darkroom.request.InvalidRequest;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.UnreadableRow;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamReadException;

/** Turns every exception into {@code application/problem+json} (RFC 9457) with a stable {@code code}. */
@RestControllerAdvice
public class Problems extends ResponseEntityExceptionHandler {

    private static final Logger log = LoggerFactory.getLogger(Problems.class);

    private static final int MAX_PARSER_MESSAGE = 160;
    private static final Pattern UNKNOWN_TOKEN =
            Pattern.compile("^Unrecognized token '.*?(?=$|: was expecting)", Pattern.DOTALL);

    /** What a problem looks like, for the OpenAPI document. */
    @Schema(name = "Problem", description = "RFC 9457 problem details")
    public record Body(
            @Schema(description = "The status in words") @JsonProperty("title")
            String title,

            @Schema(description = "The status of HTTP", format = "int32") @JsonProperty("status")
            int status,

            @Schema(description = "For people") @JsonProperty("detail")
            String detail,

            @Schema(description = "Path of the request") @JsonProperty("instance") @Nullable
            String instance,

            @Schema(description = "Stable word for programs", example = "invalid_request") @JsonProperty("code")
            String code,

            @Schema(description = "Every wrong field, if code is invalid_request") @JsonProperty("errors") @Nullable
            List<FieldError> errors) {}

    /** One wrong field. */
    @Schema(name = "FieldError", description = "A wrong field")
    public record FieldError(
            @Schema(description = "The field's name; of an element of a list, like timesteps.[1]")
            @JsonProperty("field")
            String field,

            @Schema(description = "Stable word for the rule") @JsonProperty("code")
            String code,

            @Schema(description = "The rule and the value given, for people") @JsonProperty("message")
            String message) {

        static FieldError of(Violation violation) {
            return new FieldError(violation.field(), violation.code(), violation.message());
        }
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(Problem problem) {
        return answer(problem.code(), String.valueOf(problem.getMessage()), List.of(), problem.headers());
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(InvalidRequest invalid) {
        return invalid(invalid.violations());
    }

    /** A posted picture that is refused. */
    @ExceptionHandler
    ResponseEntity<Object> handle(InvalidPicture refused) {
        Code code =
                switch (refused.reason()) {
                    case UNKNOWN_FORMAT -> Code.UNSUPPORTED_MEDIA_TYPE;
                    case DAMAGED -> Code.INVALID_PICTURE;
                    case TOO_MANY_PIXELS -> Code.TOO_MANY_PIXELS;
                    case UNSUPPORTED -> Code.UNSUPPORTED_PICTURE;
                    case BAD_RECIPE -> Code.INVALID_RECIPE;
                };
        return answer(code, String.valueOf(refused.getMessage()), List.of(), new HttpHeaders());
    }

    /** A query that Tomcat cannot take apart. */
    @ExceptionHandler
    ResponseEntity<Object> handle(InvalidParameterException unreadable) {
        return answer(
                Code.INVALID_PARAMETER,
                "the query has a part without a name, or one that is no UTF-8",
                List.of(),
                new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(BodyLimit.Refused refused) {
        return handle(refused.problem());
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(IdempotencyKey.Reused reused) {
        return answer(Code.IDEMPOTENCY_KEY_REUSED, String.valueOf(reused.getMessage()), List.of(), new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(UnreadableRow unreadable) {
        return answer(Code.JOB_UNREADABLE, String.valueOf(unreadable.getMessage()), List.of(), new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(QueueFull full) {
        HttpHeaders headers = new HttpHeaders();
        headers.set(HttpHeaders.RETRY_AFTER, Long.toString((full.retryAfter().toMillis() + 999) / 1000));
        return answer(Code.QUEUE_FULL, String.valueOf(full.getMessage()), List.of(), headers);
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(QuotaExceeded exceeded) {
        Code code =
                switch (exceeded.kind()) {
                    case OPEN_JOBS -> Code.TOO_MANY_JOBS;
                    case PICTURES_PER_DAY -> Code.DAILY_QUOTA_EXCEEDED;
                };
        HttpHeaders headers = new HttpHeaders();
        headers.set(HttpHeaders.RETRY_AFTER, Long.toString(exceeded.retryAfter().toSeconds() + 1));
        return answer(code, String.valueOf(exceeded.getMessage()), List.of(), headers);
    }

    /** Its disk is full, for example; a later try may succeed. A commit may have gone through without an answer. */
    @ExceptionHandler({DataAccessException.class, TransactionException.class})
    ResponseEntity<Object> handleDatabase(RuntimeException failure, WebRequest request) {
        log.error("The database failed in {}: {}", request.getDescription(false), failure.getMessage());
        log.debug("The failure", failure);
        boolean nothingDone = !(failure instanceof TransactionSystemException);
        HttpHeaders headers = new HttpHeaders();
        headers.set(HttpHeaders.RETRY_AFTER, "5");
        return answer(
                Code.DATABASE_UNAVAILABLE,
                "the database does not answer; "
                        + (nothingDone ? "nothing was accepted" : "whether the request was accepted is not known"),
                List.of(),
                headers);
    }

    /** The job and its pictures are safe; only now they cannot be had. */
    @ExceptionHandler
    ResponseEntity<Object> handle(ImageStoreUnavailable failure, WebRequest request) {
        log.error("The store of pictures failed in {}: {}", request.getDescription(false), failure.getMessage());
        HttpHeaders headers = new HttpHeaders();
        headers.set(HttpHeaders.RETRY_AFTER, "5");
        return answer(
                Code.IMAGE_STORE_UNAVAILABLE,
                "the picture cannot be had from where pictures are kept",
                List.of(),
                headers);
    }

    @ExceptionHandler
    ResponseEntity<Object> handle(Exception unexpected, WebRequest request) {
        log.error("Unexpected error in {}", request.getDescription(false), unexpected);
        return answer(
                Code.INTERNAL_ERROR, "something went wrong here; the log says what", List.of(), new HttpHeaders());
    }

    /** The client has gone; there is nobody to answer. */
    @Override
    protected @Nullable ResponseEntity<Object> handleAsyncRequestNotUsableException(
            AsyncRequestNotUsableException gone, WebRequest request) {
        return null;
    }

    @Override
    protected ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException unreadable,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        for (Throwable cause = unreadable; cause != null; cause = cause.getCause()) {
            if (cause instanceof BodyLimit.Refused refused) {
                return handle(refused);
            }
        }
        Throwable cause = unreadable.getCause();
        if (cause instanceof StreamReadException malformed) {
            return answer(Code.MALFORMED_JSON, "the body is not JSON: " + where(malformed), List.of(), headers);
        }
        return answer(Code.MALFORMED_JSON, "the body must be one JSON object", List.of(), headers);
    }

    @Override
    protected ResponseEntity<Object> handleHttpMediaTypeNotSupported(
            HttpMediaTypeNotSupportedException unsupported,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String given = request.getHeader(HttpHeaders.CONTENT_TYPE);
        return answer(
                Code.UNSUPPORTED_MEDIA_TYPE,
                "the body must be "
                        + unsupported.getSupportedMediaTypes().stream()
                                .map(MediaType::toString)
                                .distinct()
                                .collect(Collectors.joining(", "))
                        + " (with curl: -H 'Content-Type: application/json' -d '{\"prompt\":\"a red apple\"}'); Content-Type "
                        + (given == null ? "is missing" : "says " + given),
                List.of(),
                headers);
    }

    @Override
    protected ResponseEntity<Object> handleNoResourceFoundException(
            NoResourceFoundException missing, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        return answer(Code.NOT_FOUND, "there is nothing here", List.of(), headers);
    }

    @Override
    protected ResponseEntity<Object> handleExceptionInternal(
            Exception exception,
            @Nullable Object body,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String detail = body instanceof ProblemDetail problem && problem.getDetail() != null
                ? problem.getDetail()
                : String.valueOf(exception.getMessage());
        return answer(codeOf(status), detail, List.of(), headers);
    }

    static Code codeOf(HttpStatusCode status) {
        return switch (status.value()) {
            case 404 -> Code.NOT_FOUND;
            case 405 -> Code.METHOD_NOT_ALLOWED;
            case 406 -> Code.NOT_ACCEPTABLE;
            case 413 -> Code.BODY_TOO_LARGE;
            case 415 -> Code.UNSUPPORTED_MEDIA_TYPE;
            case 417 -> Code.EXPECTATION_FAILED;
            case 501 -> Code.NOT_IMPLEMENTED;
            case 505 -> Code.HTTP_VERSION_NOT_SUPPORTED;
            default -> status.is4xxClientError() ? Code.INVALID_PARAMETER : Code.INTERNAL_ERROR;
        };
    }

    private static ResponseEntity<Object> invalid(List<Violation> violations) {
        String detail = violations.stream().map(Violation::message).collect(Collectors.joining("; "));
        return answer(
                Code.INVALID_REQUEST,
                detail,
                violations.stream().map(FieldError::of).toList(),
                new HttpHeaders());
    }

    static ResponseEntity<Object> answer(Code code, String detail, List<FieldError> errors, HttpHeaders headers) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(code.status, detail);
        problem.setProperty("code", code.id());
        if (!errors.isEmpty()) {
            problem.setProperty("errors", errors);
        }
        return ResponseEntity.status(code.status)
                .headers(headers)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }

    private static String where(JacksonException e) {
        // The parser's words, but not the client's: an unknown token may be half a prompt.
        String message = UNKNOWN_TOKEN.matcher(e.getOriginalMessage()).replaceFirst("Unrecognized token");
        return String.format(
                Locale.ROOT,
                "%s (line %d, column %d)",
                message.length() > MAX_PARSER_MESSAGE ? message.substring(0, MAX_PARSER_MESSAGE) + "…" : message,
                e.getLocation().getLineNr(),
                e.getLocation().getColumnNr());
    }
}
