package dev.darkroom.api.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads no request body further than a prompt can be long, or a posted picture large, whether or not its length is
 * announced, and packed or not: what gzip has packed is unpacked here. And none for longer than it may take, however little
 * comes at a time. Stands before all other filters, so that callers who are refused are not waited for either.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class BodyLimit extends OncePerRequestFilter {

    private static final int MAX_BYTES = 64 * 1024;
    private static final int MAX_PICTURE_BYTES = 32 * 1024 * 1024;

    /** So much more is taken of a body that is refused, for the client to hear why. */
    private static final long MAX_REFUSED_BYTES = 1L << 30;

    /** The body is not read, or not to its end. */
    static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        private final transient Problem problem;

        private Refused(Problem problem) {
            super(problem.getMessage());
            this.problem = problem;
        }

        Problem problem() {
            return problem;
        }

        static Refused tooLarge(long limit) {
            return new Refused(
                    new Problem(Problem.Code.BODY_TOO_LARGE, "the body must have at most " + limit + " bytes"));
        }

        static Refused tooSlow(Duration atMost) {
            return new Refused(new Problem(
                            Problem.Code.BODY_TOO_SLOW,
                            "the body must come within " + atMost.toSeconds() + " seconds, with no long pause")
                    .with(HttpHeaders.CONNECTION, "close"));
        }

        /** RFC 9110 section 15.5.16. */
        static Refused unknownCoding(String coding) {
            return new Refused(new Problem(
                            Problem.Code.UNSUPPORTED_MEDIA_TYPE,
                            "Content-Encoding may be gzip, or be left out; given: " + coding)
                    .with(HttpHeaders.ACCEPT_ENCODING, "gzip"));
        }

        static Refused notGzip() {
            return new Refused(new Problem(
                    Problem.Code.MALFORMED_REQUEST,
                    "Content-Encoding says gzip, and the body is not gzip, or cut short"));
        }
    }

    private final Duration atMost;

    BodyLimit(ApiSettings settings) {
        this.atMost = settings.maxBodyTime();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String type = String.valueOf(request.getContentType()).toLowerCase(Locale.ROOT);
        int limit = type.startsWith("image/") ? MAX_PICTURE_BYTES : MAX_BYTES;
        long deadline = System.nanoTime() + atMost.toNanos();
        Bounded bounded = new Bounded(request, limit, deadline);
        chain.doFilter(bounded, response);
        if (!request.isAsyncStarted()) {
            readOn(bounded, response);
        }
    }

    private final class Bounded extends HttpServletRequestWrapper {

        private final HttpServletRequest request;
        private final int limit;
        private final long deadline;
        private @Nullable ServletInputStream body;

        Bounded(HttpServletRequest request, int limit, long deadline) {
            super(request);
            this.request = request;
            this.limit = limit;
            this.deadline = deadline;
        }

        @Override
        public ServletInputStream getInputStream() throws IOException {
            if (body == null) {
                body = body(request, limit, deadline);
            }
            return body;
        }

        /** What nobody has read; null of a client that asks before it sends, and heard no. */
        @Nullable
        ServletInputStream rest() throws IOException {
            return body == null && request.getHeader(HttpHeaders.EXPECT) != null
                    ? null
                    : new Limited(request.getInputStream(), MAX_REFUSED_BYTES, deadline);
        }
    }

    private ServletInputStream body(HttpServletRequest request, int limit, long deadline) throws IOException {
        if (request.getContentLengthLong() > limit) {
            throw Refused.tooLarge(limit);
        }
        String coding = Objects.requireNonNullElse(request.getHeader(HttpHeaders.CONTENT_ENCODING), "identity");
        ServletInputStream sent = new Limited(request.getInputStream(), limit, deadline);
        return switch (coding.strip().toLowerCase(Locale.ROOT)) {
            case "identity", "" -> sent;
            case "gzip", "x-gzip" -> new Limited(new Unpacked(sent), limit, deadline);
            default -> throw Refused.unknownCoding(coding);
        };
    }

    /** A client that is refused hears why only if its body is taken; but not for ever. */
    private static void readOn(Bounded request, HttpServletResponse response) {
        try {
            ServletInputStream rest = request.rest();
            if (rest != null && !rest.isFinished()) {
                response.flushBuffer();
                rest.transferTo(OutputStream.nullOutputStream());
            }
        } catch (IOException e) {
            HangUps.end(request);
        }
    }

    /** Another stream's bytes, changed on the way. */
    private abstract static class Changed extends ServletInputStream {

        final ServletInputStream body;

        Changed(ServletInputStream body) {
            this.body = body;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public abstract int read(byte[] target, int offset, int length) throws IOException;

        @Override
        public boolean isFinished() {
            return body.isFinished();
        }

        @Override
        public boolean isReady() {
            return body.isReady();
        }

        @Override
        public void setReadListener(ReadListener listener) {
            body.setReadListener(listener);
        }
    }

    /** What gzip has packed. */
    private static final class Unpacked extends Changed {

        private @Nullable InputStream unpacked;

        Unpacked(ServletInputStream body) {
            super(body);
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            try {
                if (unpacked == null) {
                    unpacked = new GZIPInputStream(body);
                }
                int read = unpacked.read(target, offset, length);
                if (read < 0) {
                    body.transferTo(
                            OutputStream.nullOutputStream()); // to its end, as hang-ups are told by what follows
                }
                return read;
            } catch (ZipException | EOFException e) {
                throw Refused.notGzip();
            }
        }
    }

    private final class Limited extends Changed {

        private final long limit;
        private final long deadline;
        private long left;

        Limited(ServletInputStream body, long limit, long deadline) {
            super(body);
            this.limit = limit;
            this.deadline = deadline;
            this.left = limit;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read;
            try {
                read = body.read(target, offset, length);
            } catch (SocketTimeoutException e) {
                throw Refused.tooSlow(atMost);
            }
            if (read > 0 && System.nanoTime() - deadline > 0) {
                throw Refused.tooSlow(atMost);
            }
            count(Math.max(read, 0));
            return read;
        }

        private void count(int read) throws Refused {
            left -= read;
            if (left < 0) {
                throw Refused.tooLarge(limit);
            }
        }
    }
}
