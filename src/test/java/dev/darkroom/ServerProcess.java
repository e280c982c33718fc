package dev.darkroom;

import static org.awaitility.Awaitility.await;

import dev.darkroom.blobs.S3Server;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A {@link StubServer} as a process of its own, to be killed, frozen and stopped, or {@link #within} this one, and a client of
 * it.
 */
public final class ServerProcess implements AutoCloseable {

    private static final Duration LONG = Duration.ofMinutes(5);
    private static final String MOST_HEAP = "-Xmx512m";

    static {
        // Threads of a server within this process are not the test's.
        Awaitility.doNotCatchUncaughtExceptionsByDefault();
    }

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final int port;
    private final int managementPort;
    private final Path log;

    /** One of the two is null. */
    private final Process process;

    private final ConfigurableApplicationContext within;

    /** An event of a job's stream; {@code id} is −1 where it has none. */
    public record Event(long id, String name, JsonNode data) {

        public boolean isFinal() {
            return name.matches("succeeded|failed|canceled");
        }
    }

    private ServerProcess(
            int port, int managementPort, Path log, Process process, ConfigurableApplicationContext within) {
        this.port = port;
        this.managementPort = managementPort;
        this.log = log;
        this.process = process;
        this.within = within;
    }

    /** A folder for the data of one test. */
    public static Path freshData(String name) {
        try {
            return Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), name)
                    .toAbsolutePath();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Starts a server; it is not ready yet. */
    public static ServerProcess start(Path data, String... settings) {
        return start(freePort(), data, settings);
    }

    public static ServerProcess start(int port, Path data, String... settings) {
        return start(StubServer.class, port, data, settings);
    }

    /**
     * Starts a server within this process, in a second where a process of its own takes ten: for tests that neither kill it
     * nor read its log. It ends at once when it is closed.
     */
    public static ServerProcess within(Path data, String... settings) {
        int port = freePort();
        int managementPort = freePort();
        List<String> all = arguments(port, managementPort, data, settings);
        all.add("--darkroom.drain=0s");
        return new ServerProcess(
                port,
                managementPort,
                data.resolve("server-" + port + ".log"),
                null,
                StubServer.run(all.toArray(String[]::new)));
    }

    private static List<String> arguments(int port, int managementPort, Path data, String... settings) {
        List<String> all = new ArrayList<>(List.of(
                "--server.port=" + port, "--management.server.port=" + managementPort, "--darkroom.data-dir=" + data));
        all.addAll(List.of(settings));
        return all;
    }

    /** Starts the service itself, with the model in the jar. */
    public static ServerProcess startDarkroom(Path data, String... settings) {
        return startDarkroom(freePort(), data, settings);
    }

    public static ServerProcess startDarkroom(int port, Path data, String... settings) {
        return start(Darkroom.class, port, data, settings);
    }

    /** Starts the service as it was in an earlier version, with the model in its jar. */
    public static ServerProcess startPredecessor(Path data, String... settings) {
        return startPredecessor(freePort(), data, settings);
    }

    public static ServerProcess startPredecessor(int port, Path data, String... settings) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return start(
                List.of(
                        java,
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        MOST_HEAP,
                        "-jar",
                        "target/predecessor/darkroom.jar"),
                port,
                data,
                settings);
    }

    private static ServerProcess start(Class<?> main, int port, Path data, String... settings) {
        return start(JavaProcess.command(main, MOST_HEAP), port, data, settings);
    }

    private static ServerProcess start(List<String> program, int port, Path data, String... settings) {
        Path log = data.resolve("server-" + port + ".log");
        int managementPort = freePort();
        List<String> command = new ArrayList<>(program);
        command.addAll(arguments(port, managementPort, data, settings));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(S3Server.ENVIRONMENT);
        try {
            return new ServerProcess(port, managementPort, log, builder.start(), null);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Settings of a server on a PostgreSQL database. */
    public static String[] on(String url, String user, String... settings) {
        List<String> all =
                new ArrayList<>(List.of("--spring.datasource.url=" + url, "--spring.datasource.username=" + user));
        all.addAll(List.of(settings));
        return all.toArray(String[]::new);
    }

    public static int freePort() {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    public ServerProcess awaitReady() {
        await().atMost(LONG)
                .pollInterval(Duration.ofMillis(50))
                .ignoreExceptionsInstanceOf(IOException.class)
                .failFast("the server has ended, see " + log, () -> within == null && !process.isAlive())
                .until(() -> management("/actuator/health/readiness").statusCode() == 200);
        return this;
    }

    /** What the port for operators answers. */
    public HttpResponse<String> management(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create("http://localhost:" + managementPort + path))
                .timeout(LONG));
    }

    public int port() {
        return port;
    }

    public int managementPort() {
        return managementPort;
    }

    public long pid() {
        return process.pid();
    }

    public URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    public HttpRequest.Builder request(String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).timeout(LONG);
        return headers.length > 0 ? request.headers(headers) : request;
    }

    public HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    public HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        return send(request(path, headers).GET());
    }

    /** The bytes of an answer, which must be a good one. */
    public byte[] bytes(String path) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer = client.send(request(path).GET().build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new AssertionError(path + ": " + answer.statusCode());
        }
        return answer.body();
    }

    public HttpResponse<String> delete(String path) throws IOException, InterruptedException {
        return send(request(path).DELETE());
    }

    public HttpResponse<String> post(String json, String... headers) throws IOException, InterruptedException {
        return send(request("/v1/images", headers)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** Posts a job that must be accepted and returns its id. */
    public String submit(String json) throws IOException, InterruptedException {
        HttpResponse<String> answer = post(json);
        if (answer.statusCode() != 202) {
            throw new AssertionError(answer.statusCode() + " " + answer.body());
        }
        return body(answer).get("id").stringValue();
    }

    public JsonNode job(String id) throws IOException, InterruptedException {
        return body(get("/v1/jobs/" + id));
    }

    /** Opens a job's stream; closing it breaks the connection. */
    public HttpResponse<InputStream> stream(String id, long after) throws IOException, InterruptedException {
        HttpRequest.Builder request = request("/v1/jobs/" + id + "/events");
        if (after >= 0) {
            request.header("Last-Event-ID", Long.toString(after));
        }
        return client.send(request.GET().build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    /**
     * Follows a job's stream, then breaks the connection.
     *
     * @param after number of the last event already known, −1 for none
     * @param atMost so many events, fewer if the stream ends
     */
    public List<Event> events(String id, long after, int atMost) throws IOException, InterruptedException {
        HttpResponse<InputStream> answer = stream(id, after);
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
            return events(lines, atMost);
        }
    }

    static List<Event> events(BufferedReader lines, int atMost) throws IOException {
        List<Event> events = new ArrayList<>();
        Event event = new Event(-1, "", null);
        while (events.size() < atMost) {
            String line = lines.readLine(); // never one more than needed: it may be long in coming
            if (line == null) {
                break;
            }
            String value = line.substring(line.indexOf(':') + 1);
            if (line.startsWith("id:")) {
                event = new Event(Long.parseLong(value), event.name, event.data);
            } else if (line.startsWith("event:")) {
                event = new Event(event.id, value, event.data);
            } else if (line.startsWith("data:")) {
                event = new Event(event.id, event.name, JsonMapper.shared().readTree(value));
            } else if (line.isEmpty() && event.data != null) {
                events.add(event);
                event = new Event(-1, "", null);
            }
        }
        return events;
    }

    /** All events of a job that has ended, or will. */
    public List<Event> events(String id) throws IOException, InterruptedException {
        return events(id, 0, Integer.MAX_VALUE);
    }

    public static JsonNode body(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body());
    }

    public String log() throws IOException {
        return Files.readString(log);
    }

    /** kill -9. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Asks it to shut down and waits for that. */
    public void stop() throws InterruptedException {
        if (within != null) {
            within.close();
            return;
        }
        process.destroy();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("the server does not stop, see " + log);
        }
    }

    /** Waits for its end. @return its exit code */
    public int awaitExit(Duration atMost) throws InterruptedException {
        if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("the server does not stop, see " + log);
        }
        return process.exitValue();
    }

    public void terminate() {
        process.destroy();
    }

    public void freeze() throws IOException, InterruptedException {
        signal("-STOP");
    }

    public void thaw() throws IOException, InterruptedException {
        signal("-CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", name, Long.toString(pid())).start().waitFor();
    }

    /** Bytes of live objects on its heap, after a full collection. */
    public long liveBytes() throws IOException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(pid()),
                        "GC.class_histogram")
                .start();
        String[] lines = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .strip()
                .split("\n");
        return Long.parseLong(lines[lines.length - 1].strip().split("\\s+")[2]);
    }

    @Override
    public void close() {
        if (within != null) {
            within.close();
        } else {
            process.destroyForcibly();
        }
    }
}
