package dev.darkroom.library.hub;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The two calls of a Hugging Face-style hub that a download needs (huggingface_hub 0.36, {@code hf_api.py} and {@code
 * file_download.py}). Redirects are followed here, so that the token goes to the hub itself and to nobody else. Of an
 * address that a redirect gave no more than the host is put into a message: the rest may be a signature.
 */
final class HubClient {
    private static final int MAX_LISTING = 16 << 20;
    private static final int MAX_REDIRECTS = 10;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    private final URI endpoint;
    private final @Nullable String token;
    private final Patience patience;
    private final Proxies proxies;
    private final HttpClient client;

    /**
     * @param endpoint address of the hub, perhaps with a path
     * @param token sent to the hub only
     */
    HubClient(URI endpoint, @Nullable String token, Proxies proxies, Patience patience) {
        this.endpoint = endpoint;
        this.token = token;
        this.patience = patience;
        this.proxies = proxies;
        this.client = HttpClient.newBuilder()
                .proxy(proxies)
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(patience.idle())
                .build();
    }

    /** An answer with a file's bytes; 200 brings all of them, 206 those asked for. */
    record Reply(HttpResponse<Body> response) implements AutoCloseable {
        int status() {
            return response.statusCode();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        /** Length of the body as announced; −1 if it is not. */
        long length() {
            String length = header("Content-Length");
            return length.matches("\\d{1,18}") ? Long.parseLong(length) : -1;
        }

        @Override
        public void close() {
            response.body().close();
        }
    }

    /**
     * The model's files at its revision.
     *
     * @throws DownloadFailed if there is no such model, or it may not be read
     * @throws TryAgain if the hub does not answer as it should
     */
    Listing list(ModelName model) throws TryAgain, InterruptedException {
        String path = "/api/models/" + model.organization() + "/" + model.name() + "/revision/"
                + encode(model.revision()) + "?blobs=true";
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        try (Reply reply = get(model, path)) {
            for (List<ByteBuffer> piece; (piece = reply.response().body().next(patience.idle())) != null; ) {
                for (ByteBuffer bytes : piece) {
                    byte[] chunk = new byte[bytes.remaining()];
                    bytes.get(chunk);
                    json.writeBytes(chunk);
                }
                if (json.size() > MAX_LISTING) {
                    throw new DownloadFailed("the hub's listing of the model is longer than " + MAX_LISTING + " bytes");
                }
            }
        }
        return Listing.parse(json.toString(StandardCharsets.UTF_8));
    }

    /**
     * A file's bytes.
     *
     * @param from position of the first byte asked for
     * @param etag of the answer that brought the bytes before; empty if unknown
     */
    Reply file(ModelName model, String commit, String path, long from, String etag)
            throws TryAgain, InterruptedException {
        String address = "/" + model.organization() + "/" + model.name() + "/resolve/" + commit + "/"
                + Arrays.stream(path.split("/")).map(HubClient::encode).collect(Collectors.joining("/"));
        if (from == 0) {
            return get(model, address);
        }
        String range = "bytes=" + from + "-";
        boolean strong = etag.startsWith("\"");
        return strong ? get(model, address, "Range", range, "If-Range", etag) : get(model, address, "Range", range);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private Reply get(ModelName model, String path, String... headers) throws TryAgain, InterruptedException {
        URI uri = URI.create(endpoint.toString().replaceAll("/+$", "") + path);
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri).header("User-Agent", "darkroom");
            if (headers.length > 0) {
                request.headers(headers);
            }
            if (token != null && isHub(uri)) {
                request.header("Authorization", "Bearer " + token);
            }
            proxies.authorization(uri).ifPresent(value -> request.header("Proxy-Authorization", value));
            Reply reply = new Reply(send(request.build()));
            if (reply.status() == 200 || reply.status() == 206) {
                return reply;
            }
            reply.close();
            if (!REDIRECTS.contains(reply.status())) {
                throw refused(model, reply);
            }
            uri = redirected(uri, reply.header("Location"));
        }
        throw new DownloadFailed("the hub redirects more than " + MAX_REDIRECTS + " times");
    }

    private boolean isHub(URI uri) {
        return endpoint.getScheme().equalsIgnoreCase(uri.getScheme())
                && endpoint.getHost().equalsIgnoreCase(uri.getHost())
                && endpoint.getPort() == uri.getPort();
    }

    private static URI redirected(URI from, String location) {
        try {
            URI to = from.resolve(location);
            boolean downgrade = from.getScheme().equals("https") && "http".equals(to.getScheme());
            if (List.of("http", "https").contains(to.getScheme()) && to.getHost() != null && !downgrade) {
                return to;
            }
        } catch (IllegalArgumentException e) {
            // Not an address at all.
        }
        throw new DownloadFailed("the hub redirects to what is not an " + from.getScheme() + " address");
    }

    private HttpResponse<Body> send(HttpRequest request) throws TryAgain, InterruptedException {
        // A timeout of the request's own would in newer JDKs count the whole body.
        CompletableFuture<HttpResponse<Body>> answer = client.sendAsync(request, info -> new Body());
        String host = request.uri().getHost();
        try {
            return answer.get(patience.idle().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new TryAgain(
                    host + " did not answer within " + patience.idle().toMillis() + " ms");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String reason = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            throw new TryAgain(
                    "no connection to " + host + proxies.by(request.uri()) + ": " + reason, Duration.ZERO, cause);
        } finally {
            answer.cancel(true);
        }
    }

    /**
     * Free text from the server is not repeated; only its error code, where it is a plain word.
     *
     * @return what to throw if another attempt would be refused as well
     */
    private DownloadFailed refused(ModelName model, Reply reply) throws TryAgain {
        String code = reply.header("X-Error-Code");
        String status = reply.status() + (code.matches("[A-Za-z]{1,40}") ? " " + code : "");
        String where = " (" + endpoint.getHost() + " answered " + status + ")";
        return switch (reply.status()) {
            case 401, 403 ->
                new DownloadFailed("no access to " + model + where + "; it is private, gated or does not exist: "
                        + (token == null ? "set HF_TOKEN to a token" : "the token in HF_TOKEN must be one")
                        + " that may read it");
            case 407 ->
                new DownloadFailed("the proxy asks for a user and a password" + where
                        + ": HTTPS_PROXY=http://user:password@host:port");
            case 404 -> new DownloadFailed("there is no " + model + where);
            case 416 -> throw new TryAgain("the hub's file is shorter than it lists" + where);
            case 408, 425, 429, 500, 502, 503, 504 ->
                throw new TryAgain("the hub is busy or broken" + where, retryAfter(reply), null);
            default -> new DownloadFailed("the hub's answer is not understood" + where);
        };
    }

    private static Duration retryAfter(Reply reply) {
        String seconds = reply.header("Retry-After");
        return seconds.matches("\\d{1,6}") ? Duration.ofSeconds(Long.parseLong(seconds)) : Duration.ZERO;
    }
}
