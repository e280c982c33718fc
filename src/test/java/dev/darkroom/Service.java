package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of a service on this machine. */
public final class Service {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final int port;

    public Service(int port) {
        this.port = port;
    }

    /** One server-sent event. */
    public record Event(String name, JsonNode data) {}

    public boolean isReady() {
        try {
            return !get("/v1/models").get("models").isEmpty();
        } catch (IllegalStateException e) {
            return false;
        }
    }

    /** Posts a job that must be accepted and returns its id. */
    public String post(String body) {
        HttpResponse<String> answer = send(request("/v1/images")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return json(answer).get("id").stringValue();
    }

    public JsonNode job(String id) {
        return get("/v1/jobs/" + id);
    }

    /** Waits until the job has ended. */
    public JsonNode ended(String id) {
        return get("/v1/jobs/" + id + "?wait_ms=60000");
    }

    /** The hash of a job's only picture. */
    public String picture(String id) {
        JsonNode job = ended(id);
        assertThat(job.get("images")).as(job.toString()).hasSize(1);
        return job.at("/images/0/sha256").stringValue();
    }

    /** The answer to the cancellation. */
    public JsonNode cancel(String id) {
        return json(send(request("/v1/jobs/" + id).DELETE()));
    }

    public JsonNode get(String path) {
        return json(send(request(path)));
    }

    /** All events of a job from its beginning to its end, as they come. */
    public List<Event> events(String id) {
        HttpResponse<String> answer = send(request("/v1/jobs/" + id + "/events").header("Last-Event-ID", "0"));
        List<Event> events = new ArrayList<>();
        String name = "";
        for (String line : answer.body().split("\n")) {
            if (line.startsWith("event:")) {
                name = line.substring("event:".length());
            } else if (line.startsWith("data:")) {
                events.add(new Event(name, JsonMapper.shared().readTree(line.substring("data:".length()))));
            }
        }
        return events;
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .timeout(Duration.ofSeconds(120));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new IllegalStateException("the service does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static JsonNode json(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body());
    }
}
