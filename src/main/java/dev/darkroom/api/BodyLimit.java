package dev.darkroom.api;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads no request body further than a prompt can be long, or a posted picture large, whether or not its length is
 * announced; and none for longer than it may take, however little comes at a time. Stands before all other filters, so that
 * callers who are refused are not waited for either.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class BodyLimit extends OncePerRequestFilter {

    private static final int MAX_BYTES = 64 * 1024;
    private static final int MAX_PICTURE_BYTES = 32 * 1024 * 1024;

    /** The body goes on beyond the limit. */
    static final class Exceeded extends IOException {
        private static final long serialVersionUID = 1L;

        Exceeded(int limit) {
            super("the body must have at most " + limit + " bytes");
        }
    }

    /** The body does not come. */
    static final class TooSlow extends IOException {
        private static final long serialVersionUID = 1L;

        TooSlow(Duration atMost) {
            super("the body must come within " + atMost.toSeconds() + " seconds, with no long pause");
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
        chain.doFilter(
                new HttpServletRequestWrapper(request) {
                    @Override
                    public ServletInputStream getInputStream() throws IOException {
                        return new Limited(super.getInputStream(), limit, deadline);
                    }
                },
                response);
        if (!request.isAsyncStarted()) {
            readOn(request, response, deadline);
        }
    }

    /** A client that is refused hears why only if its body is taken; but not for ever. */
    private void readOn(HttpServletRequest request, HttpServletResponse response, long deadline) {
        try {
            ServletInputStream rest = new Limited(request.getInputStream(), MAX_PICTURE_BYTES, deadline);
            if (!rest.isFinished()) {
                response.flushBuffer();
                rest.transferTo(OutputStream.nullOutputStream());
            }
        } catch (IOException e) {
            HangUps.end(request);
        }
    }

    private final class Limited extends ServletInputStream {

        private final ServletInputStream body;
        private final int limit;
        private final long deadline;
        private long left;

        Limited(ServletInputStream body, int limit, long deadline) {
            this.body = body;
            this.limit = limit;
            this.deadline = deadline;
            this.left = limit;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read;
            try {
                read = body.read(target, offset, length);
            } catch (SocketTimeoutException e) {
                throw new TooSlow(atMost);
            }
            if (read > 0 && System.nanoTime() - deadline > 0) {
                throw new TooSlow(atMost);
            }
            count(Math.max(read, 0));
            return read;
        }

        private void count(int read) throws Exceeded {
            left -= read;
            if (left < 0) {
                throw new Exceeded(limit);
            }
        }

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
}
