package dev.darkroom.api.http;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpRange;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/**
 * One of the forms in which pictures can be had.
 *
 * @param tag strong entity tag without quotes: known before the bytes are made, and the same only for the same bytes
 * @param fileName for clients that save it
 * @param content makes the bytes, or an {@link PictureZip} that is written as it is made
 */
public record Download(MediaType type, String tag, String fileName, Supplier<Object> content) {

    private static final Pattern TAG = Pattern.compile("\"[^\"]*\"");

    private static final CacheControl FOR_EVER =
            CacheControl.maxAge(Duration.ofDays(365)).cachePrivate().immutable();

    /** The whole, as an answer to {@code POST}; where it is to be had again is for the caller to say. */
    public ResponseEntity<Object> whole(HttpHeaders further) {
        return head(HttpStatus.OK).headers(further).body(content.get());
    }

    /**
     * The answer to {@code GET} or {@code HEAD}: 304 for a client that has it, 206 for one range, 200 otherwise. Several
     * ranges at once, other units than bytes, and ranges of what the client says it has another version of are answered
     * with the whole, as RFC 9110 section 14.2 allows.
     *
     * @throws Problem for ranges that are none, or lie behind the end
     */
    public ResponseEntity<Object> answer(HttpMethod method, HttpHeaders request) {
        if (isKnown(request.getOrEmpty(HttpHeaders.IF_NONE_MATCH))) {
            return head(HttpStatus.NOT_MODIFIED).build();
        }
        Object whole = content.get();
        String range = request.getFirst(HttpHeaders.RANGE);
        if (!(whole instanceof byte[] bytes)) {
            return head(HttpStatus.OK).header(HttpHeaders.ACCEPT_RANGES, "none").body(whole);
        }
        String condition = request.getFirst(HttpHeaders.IF_RANGE);
        HttpRange part = null;
        if (range != null
                && range.startsWith("bytes=")
                && method.equals(HttpMethod.GET)
                && (condition == null || condition.strip().equals(quoted()))) {
            part = onlyRange(range, bytes.length);
        }
        if (part == null) {
            return head(HttpStatus.OK)
                    .header(HttpHeaders.ACCEPT_RANGES, "bytes")
                    .body(bytes);
        }
        int first = (int) part.getRangeStart(bytes.length);
        int last = (int) part.getRangeEnd(bytes.length);
        return head(HttpStatus.PARTIAL_CONTENT)
                .header(HttpHeaders.ACCEPT_RANGES, "bytes")
                .header(HttpHeaders.CONTENT_RANGE, "bytes " + first + "-" + last + "/" + bytes.length)
                .body(Arrays.copyOfRange(bytes, first, last + 1));
    }

    private ResponseEntity.BodyBuilder head(HttpStatus status) {
        ResponseEntity.BodyBuilder head = ResponseEntity.status(status)
                .eTag(quoted())
                .cacheControl(FOR_EVER)
                .varyBy(HttpHeaders.ACCEPT);
        if (status != HttpStatus.NOT_MODIFIED) {
            head.contentType(type)
                    .header(
                            HttpHeaders.CONTENT_DISPOSITION,
                            ContentDisposition.inline()
                                    .filename(fileName)
                                    .build()
                                    .toString());
        }
        return head;
    }

    private String quoted() {
        return "\"" + tag + "\"";
    }

    /** Weak comparison, RFC 9110 section 13.1.2; what is no list of tags names none. */
    private boolean isKnown(List<String> conditions) {
        return conditions.stream()
                .anyMatch(tags -> tags.strip().equals("*")
                        || TAG.matcher(tags)
                                .results()
                                .anyMatch(known -> known.group().equals(quoted())));
    }

    /** Null where several are asked for. */
    private static @Nullable HttpRange onlyRange(String header, int length) {
        List<HttpRange> ranges;
        try {
            ranges = HttpRange.parseRanges(header);
            if (ranges.size() == 1 && ranges.get(0).getRangeStart(length) < length) {
                return ranges.get(0);
            }
        } catch (IllegalArgumentException e) {
            ranges = List.of();
        }
        if (ranges.size() > 1) {
            return null;
        }
        throw new Problem(
                        Problem.Code.RANGE_NOT_SATISFIABLE,
                        "Range must lie within " + length + " bytes; given: " + header)
                .with(HttpHeaders.CONTENT_RANGE, "bytes */" + length);
    }
}
