package dev.darkroom.api;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads no request body further than a prompt can be long, or a posted picture large, whether or not its length is
 * announced.
 */
@Component
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

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String type = String.valueOf(request.getContentType()).toLowerCase(Locale.ROOT);
        int limit = type.startsWith("image/") ? MAX_PICTURE_BYTES : MAX_BYTES;
        chain.doFilter(
                new HttpServletRequestWrapper(request) {
                    @Override
                    public ServletInputStream getInputStream() throws IOException {
                        return new Limited(super.getInputStream(), limit);
                    }
                },
                response);
    }

    private static final class Limited extends ServletInputStream {

        private final ServletInputStream body;
        private final int limit;
        private long left;

        Limited(ServletInputStream body, int limit) {
            this.body = body;
            this.limit = limit;
            this.left = limit;
        }

        @Override
        public int read() throws IOException {
            int value = body.read();
            if (value >= 0) {
                count(1);
            }
            return value;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read = body.read(target, offset, length);
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
