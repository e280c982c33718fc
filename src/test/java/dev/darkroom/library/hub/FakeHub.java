package dev.darkroom.library.hub;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/**
 * A hub on this machine that serves one model under every name but gone, and does to its answers what a test tells it. Written on the bare socket,
 * because an HTTP server would not lie.
 */
public final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private static final Pattern FILE = Pattern.compile("/[^/]+/[^/]+/resolve/" + COMMIT + "/(.+)");

    /** What was asked: header names in lower case. */
    public record Request(String path, Map<String, String> headers) {
        public String header(String name) {
            return headers.getOrDefault(name, "");
        }

        /** The first byte asked for; −1 without a range. */
        int from() {
            return header("range").isEmpty()
                    ? -1
                    : Integer.parseInt(header("range").replaceAll("\\D", ""));
        }

        public boolean isFor(String file) {
            return path.endsWith("/" + file);
        }
    }

    /**
     * What is answered.
     *
     * @param announced Content-Length; none if negative, and the body ends with the connection
     * @param cut the connection ends after so many bytes of the body
     * @param stall after the last byte the connection stays open, silent
     */
    public record Answer(int status, Map<String, String> headers, byte[] body, long announced, int cut, boolean stall) {
        static Answer of(int status, byte[] body) {
            return new Answer(status, Map.of(), body, body.length, body.length, false);
        }

        static Answer redirect(int status, String location) {
            return of(status, new byte[0]).with("Location", location);
        }

        Answer with(String header, String value) {
            Map<String, String> more = new LinkedHashMap<>(headers);
            more.put(header, value);
            return new Answer(status, more, body, announced, cut, stall);
        }

        Answer withBody(byte[] other) {
            return new Answer(status, headers, other, other.length, other.length, stall);
        }

        Answer announcing(long length) {
            return new Answer(status, headers, body, length, cut, stall);
        }

        Answer cutAfter(int bytes) {
            return new Answer(status, headers, body, announced, Math.min(bytes, body.length), stall);
        }

        Answer stalling() {
            return new Answer(status, headers, body, announced, cut, true);
        }
    }

    /** Changes an honest answer. */
    public interface Trick {
        Answer play(Request request, Answer honest) throws Exception;
    }

    public final Map<String, byte[]> files = new ConcurrentHashMap<>();
    final Map<String, String> listedHashes = new ConcurrentHashMap<>();
    public final List<Request> requests = new CopyOnWriteArrayList<>();
    final AtomicLong served = new AtomicLong();
    public volatile Trick trick = (request, honest) -> honest;

    private final ServerSocket socket;
    private final List<Socket> open = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    FakeHub() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        thread(() -> {
            while (true) {
                Socket connection = socket.accept();
                open.add(connection);
                thread(() -> serve(connection));
            }
        });
    }

    /** A hub with the files of a folder, and with files beside them that are not needed. */
    public static FakeHub of(Path folder) throws IOException {
        FakeHub hub = new FakeHub();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                hub.files.put(folder.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
            }
        }
        return hub;
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }

    long size() {
        return files.values().stream().mapToLong(file -> file.length).sum();
    }

    private interface Work {
        void run() throws Exception;
    }

    private void thread(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception e) {
                // The client went away, or the test is over.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(Socket connection) throws Exception {
        try (connection) {
            Request request = read(connection.getInputStream());
            requests.add(request);
            Answer answer = trick.play(request, honest(request));
            OutputStream out = connection.getOutputStream();
            StringBuilder head = new StringBuilder("HTTP/1.1 " + answer.status() + " Any\r\nConnection: close\r\n");
            answer.headers().forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
            if (answer.announced() >= 0) {
                head.append("Content-Length: " + answer.announced() + "\r\n");
            }
            out.write((head + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            for (int i = 0; i < answer.cut(); i += 4096) {
                int n = Math.min(4096, answer.cut() - i);
                out.write(answer.body(), i, n);
                served.addAndGet(n);
            }
            out.flush();
            if (answer.stall()) {
                closed.await();
            }
        }
    }

    private static Request read(InputStream in) throws IOException {
        InputStream buffered = new BufferedInputStream(in);
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (int c = buffered.read(); c >= 0; c = buffered.read()) {
            if (c != '\n') {
                line.append((char) c);
                continue;
            }
            String text = line.toString().strip();
            if (text.isEmpty()) {
                break;
            }
            lines.add(text);
            line.setLength(0);
        }
        Map<String, String> headers = new TreeMap<>();
        for (String header : lines.subList(1, lines.size())) {
            int colon = header.indexOf(':');
            headers.put(
                    header.substring(0, colon).toLowerCase(Locale.ROOT),
                    header.substring(colon + 1).strip());
        }
        return new Request(lines.get(0).split(" ")[1], headers);
    }

    /** As a proxy it serves itself, whatever the hub's name. */
    private Answer honest(Request asked) {
        Request request = new Request(asked.path().replaceFirst("^http://[^/]+", ""), asked.headers());
        if (request.path().contains("/gone/")) {
            return Answer.of(404, new byte[0]).with("X-Error-Code", "EntryNotFound");
        }
        if (request.path().matches("/api/models/[^/]+/[^/]+/revision/.*")) {
            return Answer.of(200, JsonMapper.shared().writeValueAsBytes(listing()));
        }
        Matcher path = FILE.matcher(request.path());
        byte[] file = path.matches() ? files.get(path.group(1)) : null;
        if (file == null) {
            return Answer.of(404, new byte[0]).with("X-Error-Code", "EntryNotFound");
        }
        String etag = '"' + sha256(file) + '"';
        boolean same = request.header("if-range").isEmpty()
                || request.header("if-range").equals(etag);
        if (request.from() < 0 || !same) {
            return Answer.of(200, file).with("ETag", etag);
        }
        int from = request.from();
        byte[] rest = java.util.Arrays.copyOfRange(file, from, file.length);
        return Answer.of(206, rest)
                .with("ETag", etag)
                .with("Content-Range", "bytes " + from + "-" + (file.length - 1) + "/" + file.length);
    }

    /** Files over 16 KB are kept by git-lfs here. */
    private Map<String, Object> listing() {
        List<Object> siblings = new ArrayList<>();
        new TreeMap<>(files).forEach((path, file) -> {
            Map<String, Object> sibling = new LinkedHashMap<>();
            sibling.put("rfilename", path);
            sibling.put("size", file.length);
            sibling.put("blobId", listedHashes.getOrDefault(path, blobId(file)));
            if (file.length > 16_384) {
                String sha256 = listedHashes.getOrDefault(path, sha256(file));
                sibling.put("lfs", Map.of("size", file.length, "sha256", sha256, "pointerSize", 130));
            }
            siblings.add(sibling);
        });
        return Map.of("id", "org/name", "sha", COMMIT, "siblings", siblings);
    }

    private static String blobId(byte[] file) {
        return hash("SHA-1", ("blob " + file.length + "\0").getBytes(StandardCharsets.US_ASCII), file);
    }

    private static String sha256(byte[] file) {
        return hash("SHA-256", file);
    }

    private static String hash(String algorithm, byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            for (byte[] part : parts) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        closed.countDown();
        socket.close();
        for (Socket connection : open) {
            connection.close();
        }
    }
}
