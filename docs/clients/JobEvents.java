import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Iterator;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** Follows a Darkroom job as it goes on, over lost connections too. Generated clients have the events only at the end. */
final class JobEvents {

    private JobEvents() {}

    /** Calls the listener with each event's name and its data, JSON; returns after the job's last event. */
    static void follow(HttpClient http, String server, String jobId, BiConsumer<String, String> listener)
            throws IOException, InterruptedException {
        String last = "";
        while (true) {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server + "/v1/jobs/" + jobId + "/events"));
            if (!last.isEmpty()) {
                request.header("Last-Event-ID", last);
            }
            HttpResponse<Stream<String>> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofLines());
            if (answer.statusCode() == 204) {
                return; // nothing more will come
            }
            if (answer.statusCode() != 200) {
                throw new IOException("the events are answered with status " + answer.statusCode());
            }
            try (Stream<String> lines = answer.body()) {
                String id = last;
                String name = "";
                String data = "";
                for (Iterator<String> each = lines.iterator(); each.hasNext(); ) {
                    String line = each.next();
                    String value = line.substring(line.indexOf(':') + 1).strip();
                    if (line.startsWith("id:")) {
                        id = value;
                    } else if (line.startsWith("event:")) {
                        name = value;
                    } else if (line.startsWith("data:")) {
                        data += value;
                    } else if (line.isEmpty() && !name.isEmpty()) {
                        listener.accept(name, data);
                        last = id;
                        name = "";
                        data = "";
                    }
                }
            } catch (UncheckedIOException lost) {
                Thread.sleep(1000);
            }
        }
    }
}
