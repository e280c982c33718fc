package dev.darkroom.clients;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What clients of today may see of a server of tomorrow: before the real server, it adds a field to every object of every
 * JSON answer and puts a value that nobody knows yet in the place of those from closed lists.
 */
final class NewerServer implements AutoCloseable {

    static final String LATER = "added_later";

    private static final Set<String> LISTED = Set.of(
            "state",
            "priority",
            "output_format",
            "media_type",
            "sampler",
            "schedule",
            "determinism",
            "prediction_type");

    private final URI server;
    private final HttpClient client = HttpClient.newHttpClient();
    private final HttpServer proxy;

    NewerServer(URI server) throws IOException {
        this.server = server;
        proxy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        proxy.setExecutor(Executors.newCachedThreadPool());
        proxy.createContext("/", this::handle);
        proxy.start();
    }

    URI uri() {
        return URI.create("http://localhost:" + proxy.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(exchange.getRequestURI()))
                    .method(
                            exchange.getRequestMethod(),
                            HttpRequest.BodyPublishers.ofByteArray(
                                    exchange.getRequestBody().readAllBytes()));
            for (String name : List.of("Accept", "Content-Type", "Prefer")) {
                exchange.getRequestHeaders()
                        .getOrDefault(name, List.of())
                        .forEach(value -> request.header(name, value));
            }
            HttpResponse<byte[]> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            byte[] body = answer.body();
            String type = answer.headers().firstValue("Content-Type").orElse("");
            if (type.contains("json")) {
                JsonNode json = JsonMapper.shared().readTree(body);
                doctor(json);
                body = json.toString().getBytes(StandardCharsets.UTF_8);
            }
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void doctor(JsonNode node) {
        node.forEach(NewerServer::doctor);
        if (node instanceof ObjectNode object) {
            for (String name : LISTED) {
                if (object.path(name).isString()) {
                    object.put(name, LATER);
                }
            }
            object.putObject(LATER).putArray("list").add(1);
        }
    }

    @Override
    public void close() {
        proxy.stop(0);
    }
}
