package dev.darkroom;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Posts jobs to a server at a set rate, follows each to its end, and checks what became of it.
 *
 * <pre>
 * java -cp … dev.darkroom.LoadDriver --url=http://localhost:8080 --rate=20 --seconds=60 --body='{"prompt":"an apple"}'
 * </pre>
 *
 * Posts do not wait for earlier answers, so a slow server cannot slow the load down.
 */
public final class LoadDriver {

    private static final int MAX_OPEN = 2000;
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final URI server;
    private final String body;
    private final HttpClient client = HttpClient.newHttpClient();
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();

    /**
     * What a post was answered with.
     *
     * @param status 0 if there was no answer
     * @param job id, if it was accepted
     */
    public record Answer(int status, Duration took, String job, String retryAfter) {}

    public LoadDriver(URI server, String body) {
        this.server = server;
        this.body = body;
    }

    /** Posts {@code rate} jobs a second for a while, then waits until all are answered. */
    public LoadDriver post(double rate, Duration time) throws InterruptedException {
        Semaphore open = new Semaphore(MAX_OPEN);
        long start = System.nanoTime();
        for (long i = 0; ; i++) {
            long due = start + (long) (i * 1e9 / rate);
            if (due - start >= time.toNanos()) {
                break;
            }
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            open.acquire();
            long sent = System.nanoTime();
            client.sendAsync(posting(), HttpResponse.BodyHandlers.ofString()).whenComplete((answer, failure) -> {
                Duration took = Duration.ofNanos(System.nanoTime() - sent);
                answers.add(
                        answer == null
                                ? new Answer(0, took, "", "")
                                : new Answer(
                                        answer.statusCode(),
                                        took,
                                        answer.statusCode() == 202
                                                ? json(answer).get("id").stringValue()
                                                : "",
                                        answer.headers()
                                                .firstValue("Retry-After")
                                                .orElse("")));
                open.release();
            });
        }
        open.acquire(MAX_OPEN);
        return this;
    }

    private HttpRequest posting() {
        return HttpRequest.newBuilder(server.resolve("/v1/images"))
                .timeout(PATIENCE)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    public List<Answer> answers(int status) {
        return answers.stream().filter(answer -> answer.status == status).toList();
    }

    public List<String> accepted() {
        return answers(202).stream().map(Answer::job).toList();
    }

    /** How many answers there were of each status. */
    public Map<Integer, Integer> statuses() {
        Map<Integer, Integer> counts = new HashMap<>();
        answers.forEach(answer -> counts.merge(answer.status, 1, Integer::sum));
        return counts;
    }

    /** The time within which the given part of these answers came; zero if there are none. */
    public static Duration quantile(List<Answer> answers, double part) {
        Duration[] sorted = answers.stream().map(Answer::took).sorted().toArray(Duration[]::new);
        return sorted.length == 0
                ? Duration.ZERO
                : sorted[(int) Math.min(sorted.length - 1, Math.ceil(part * sorted.length))];
    }

    /** Follows each accepted job to its end and returns what is wrong with them, one sentence each. */
    public List<String> check() throws IOException, InterruptedException {
        List<String> wrong = new ArrayList<>();
        for (String id : accepted()) {
            wrong.addAll(check(client, server, id));
        }
        return wrong;
    }

    /** Follows a job to its end: it must have succeeded once, with each picture recorded once, its events in order. */
    public static List<String> check(HttpClient client, URI server, String id)
            throws IOException, InterruptedException {
        List<String> wrong = new ArrayList<>();
        URI url = server.resolve("/v1/jobs/" + id);
        JsonNode job = null;
        long start = System.nanoTime();
        do {
            HttpResponse<String> answer = get(client, URI.create(url + "?wait_ms=30000"));
            if (answer.statusCode() != 200) {
                return List.of(id + " is lost: " + answer.statusCode() + " " + answer.body());
            }
            job = json(answer);
        } while (job.get("state").stringValue().matches("queued|running")
                && System.nanoTime() - start < PATIENCE.toNanos());
        if (!job.get("state").stringValue().equals("succeeded")) {
            wrong.add(id + " has not succeeded: " + job);
        }
        int pictures = job.at("/parameters/n").intValue();
        if (job.get("images").size() != pictures) {
            wrong.add(id + " has " + job.get("images").size() + " of " + pictures + " pictures");
        }
        String events =
                get(client, URI.create(url + "/events"), "Last-Event-ID", "0").body();
        long[] ids = events.lines()
                .filter(line -> line.startsWith("id:"))
                .mapToLong(line -> Long.parseLong(line.substring(3)))
                .toArray();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] != i + 1) {
                wrong.add(id + " has events out of order or missing: " + Arrays.toString(ids));
                break;
            }
        }
        if (count(events, "event:image") != pictures || count(events, "event:succeeded") != 1) {
            wrong.add(id + " has results twice or none: " + events);
        }
        return wrong;
    }

    private static long count(String events, String line) {
        return events.lines().filter(line::equals).count();
    }

    private static HttpResponse<String> get(HttpClient client, URI url, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(PATIENCE);
        return client.send(
                (headers.length > 0 ? request.headers(headers) : request).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode json(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body());
    }

    public String report() {
        return String.format(
                Locale.ROOT,
                "answers %s; accepted p50 %d ms, p99 %d ms; rejected p50 %d ms, p99 %d ms",
                statuses(),
                quantile(answers(202), 0.5).toMillis(),
                quantile(answers(202), 0.99).toMillis(),
                quantile(answers(429), 0.5).toMillis(),
                quantile(answers(429), 0.99).toMillis());
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>(Map.of(
                "--url", "http://localhost:8080",
                "--rate", "5",
                "--seconds", "30",
                "--body", "{\"prompt\":\"a red apple\"}"));
        for (String arg : args) {
            String[] option = arg.split("=", 2);
            if (option.length != 2 || options.put(option[0], option[1]) == null) {
                throw new IllegalArgumentException("known options: " + options.keySet() + "; given: " + arg);
            }
        }
        LoadDriver driver = new LoadDriver(URI.create(options.get("--url")), options.get("--body"));
        long start = System.nanoTime();
        driver.post(
                Double.parseDouble(options.get("--rate")),
                Duration.ofSeconds(Long.parseLong(options.get("--seconds"))));
        System.out.println(driver.report());
        List<String> wrong = driver.check();
        System.out.printf(
                Locale.ROOT,
                "%d jobs ended within %.1f s, %d wrong%n",
                driver.accepted().size(),
                (System.nanoTime() - start) / 1e9,
                wrong.size());
        wrong.forEach(System.out::println);
        System.exit(wrong.isEmpty() ? 0 : 1);
    }
}
