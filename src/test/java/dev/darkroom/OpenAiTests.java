package dev.darkroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * {@code POST /v1/images/generations} as OpenAI's own clients use it: the requests are what openai 3.57.0 for Python and
 * openai 7.57.0 for Node send, the answers what their types ask for. The clients themselves run with {@code -Pclients}.
 */
class OpenAiTests {

    private static final String FROM_PYTHON = """
            {"model":"stub","prompt":"a red apple","size":"64x64","seed":7}""";
    private static final String FROM_NODE = """
            {"prompt":"a red apple","model":"stub","size":"64x64","seed":7}""";
    private static final String STREAM_FROM_PYTHON = """
            {"model":"stub","stream":true,"prompt":"a red apple","partial_images":2,"size":"64x64","seed":7}""";

    private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.within(
                        ServerProcess.freshData("openai"), "--stub.step-time=50ms", "--darkroom.max-queued=2")
                .awaitReady();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void answersWithThePicturesAsTheClientsExpectThem() throws Exception {
        long before = Instant.now().getEpochSecond();
        for (String body : List.of(FROM_PYTHON, FROM_NODE)) {
            HttpResponse<String> answer = generate(body);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
            JsonNode images = ServerProcess.body(answer);
            assertThat(images.propertyNames())
                    .containsExactly("created", "data", "background", "output_format", "size");
            assertThat(images.get("created").longValue())
                    .isBetween(before, Instant.now().getEpochSecond());
            assertThat(images.get("background").stringValue()).isEqualTo("opaque");
            assertThat(images.get("output_format").stringValue()).isEqualTo("png");
            assertThat(images.get("size").stringValue()).isEqualTo("64x64");
            assertThat(images.get("data")).hasSize(1);
            JsonNode image = images.at("/data/0");
            assertThat(image.propertyNames()).containsExactly("b64_json", "seed");
            assertThat(image.get("seed").longValue()).isEqualTo(7);
            byte[] stored =
                    picture(server.uri(answer.headers().firstValue("Location").orElseThrow() + "/images/0"));
            assertThat(image.get("b64_json").binaryValue()).isEqualTo(stored);
        }
    }

    @Test
    void answersWithWholeUrlsInTheFormatAskedFor() throws Exception {
        HttpResponse<String> answer = generate("""
                {"prompt":"a red apple","n":2,"seed":7,"response_format":"url","output_format":"webp",\
                "output_compression":60,"size":"auto","quality":"auto","background":"auto","moderation":"low",\
                "user":"u","safety_identifier":"s","negative_prompt":"blur","num_inference_steps":3,\
                "guidance_scale":2.5,"sampler":"euler","schedule":"karras","determinism":"exact","priority":"high"}""");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        JsonNode images = ServerProcess.body(answer);
        assertThat(images.get("output_format").stringValue()).isEqualTo("webp");
        assertThat(images.get("data")).hasSize(2);
        for (JsonNode image : images.get("data")) {
            assertThat(image.propertyNames()).containsExactly("url", "seed");
            byte[] file = picture(URI.create(image.get("url").stringValue()));
            assertThat(new String(file, 8, 4, StandardCharsets.US_ASCII)).isEqualTo("WEBP");
        }
        JsonNode job = ServerProcess.body(
                server.get(answer.headers().firstValue("Location").orElseThrow()));
        assertThat(job.get("parameters").toString())
                .contains(
                        "\"negative_prompt\":\"blur\"",
                        "\"steps\":3",
                        "\"guidance_scale\":2.5",
                        "\"sampler\":\"euler\"",
                        "\"schedule\":\"karras\"",
                        "\"determinism\":\"exact\"",
                        "\"output_compression\":60");
        assertThat(job.get("priority").stringValue()).isEqualTo("high");
    }

    /** Accept is about streams as little as OpenAI's clients make it: the body says what they want. */
    @Test
    void answersWhateverTheClientAccepts() throws Exception {
        HttpResponse<String> answer = server.send(server.request(
                        "/v1/images/generations", "Accept", "text/event-stream", "Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\",\"num_inference_steps\":1}")));
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(ServerProcess.body(answer).get("data")).hasSize(1);
    }

    @Test
    void takesNullForWhateverIsNotSaid() throws Exception {
        HttpResponse<String> answer = generate("""
                {"prompt":"a","model":null,"n":null,"size":null,"quality":null,"background":null,"moderation":null,\
                "output_format":null,"output_compression":null,"response_format":null,"stream":false,\
                "partial_images":0,"user":null,"num_inference_steps":1}""");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    }

    @Test
    void streamsPreviewsAndThenThePicture() throws Exception {
        HttpResponse<InputStream> answer = open(STREAM_FROM_PYTHON);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        List<ServerProcess.Event> events = events(answer);
        assertThat(events)
                .extracting(ServerProcess.Event::name)
                .containsExactly(
                        "image_generation.partial_image",
                        "image_generation.partial_image",
                        "image_generation.completed");
        for (int i = 0; i < 3; i++) {
            JsonNode data = events.get(i).data();
            assertThat(data.get("type").stringValue()).isEqualTo(events.get(i).name());
            assertThat(data.get("created_at").isIntegralNumber()).isTrue();
            assertThat(data.get("quality").stringValue()).isEqualTo("auto");
            assertThat(data.get("background").stringValue()).isEqualTo("opaque");
            assertThat(data.get("size").stringValue()).isEqualTo("64x64");
            byte[] file = data.get("b64_json").binaryValue();
            if (i < 2) {
                assertThat(data.get("partial_image_index").intValue()).isEqualTo(i);
                assertThat(data.get("output_format").stringValue()).isEqualTo("jpeg");
                assertThat(ImageIO.read(new ByteArrayInputStream(file))).isNotNull();
            } else {
                assertThat(data.get("output_format").stringValue()).isEqualTo("png");
                assertThat(data.get("usage").toString()).isEqualTo("""
                        {"input_tokens":0,"input_tokens_details":{"image_tokens":0,"text_tokens":0},\
                        "output_tokens":0,"total_tokens":0}""");
                assertThat(file)
                        .isEqualTo(ServerProcess.body(generate(FROM_PYTHON))
                                .at("/data/0/b64_json")
                                .binaryValue());
            }
        }
    }

    @Test
    void endsAStreamWithAnErrorIfTheJobFails() throws Exception {
        List<ServerProcess.Event> events = events(open("""
                {"prompt":"unpredictable","stream":true}"""));
        assertThat(events).extracting(ServerProcess.Event::name).containsExactly("error");
        JsonNode error = events.get(0).data().get("error");
        assertThat(error.get("type").stringValue()).isEqualTo("server_error");
        assertThat(error.get("code").stringValue()).isEqualTo("job_failed");
        assertThat(error.get("message").stringValue()).startsWith("drawing_failed: ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"prompt":"a","model":"nano-banana"}                       | 404 | model           | model_not_found
            {"model":"stub"}                                           | 400 | prompt          | empty
            {"prompt":"a","n":11}                                      | 400 | n               | out_of_range
            {"prompt":"a","n":"2"}                                     | 400 | n               | wrong_type
            {"prompt":"a","size":"0x64"}                               | 400 | size            | malformed
            {"prompt":"a","size":"large"}                              | 400 | size            | malformed
            {"prompt":"a","quality":"8k"}                              | 400 | quality         | unsupported_value
            {"prompt":"a","background":"transparent"}                  | 400 | background      | unsupported_value
            {"prompt":"a","style":"baroque"}                           | 400 | style           | unsupported_value
            {"prompt":"a","svg":{"model":"x"}}                         | 400 | svg             | unknown_field
            {"prompt":"a","output_format":"gif"}                       | 400 | output_format   | unknown_output_format
            {"prompt":"a","response_format":"file"}                    | 400 | response_format | unsupported_value
            {"prompt":"a","partial_images":2}                          | 400 | partial_images  | needs_stream
            {"prompt":"a","partial_images":99,"stream":true}           | 400 | partial_images  | out_of_range
            {"prompt":"a","stream":true,"n":2}                         | 400 | n               | not_with_stream
            {"prompt":"a","stream":true,"response_format":"url"}       | 400 | response_format | not_with_stream
            {"prompt":"a","num_inference_steps":0}                     | 400 | num_inference_steps | out_of_range
            {"prompt":"a","expires_in":601}                            | 400 | expires_in      | out_of_range
            {"prompt":                                                 | 400 |                 | malformed_json
            """)
    void refusesInOpenAisForm(String body, int status, String param, String code) throws Exception {
        HttpResponse<String> answer = generate(body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode error = ServerProcess.body(answer).get("error");
        assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
        assertThat(error.get("type").stringValue()).isEqualTo("invalid_request_error");
        assertThat(error.get("param").isNull() ? null : error.get("param").stringValue())
                .isEqualTo(param);
        assertThat(error.get("code").stringValue()).isEqualTo(code);
        assertThat(error.get("message").stringValue()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "dall-e-2, url",
        "dall-e-3, url",
        "gpt-image-1, b64_json",
        "gpt-image-1.5-mini, b64_json",
        "'', b64_json"
    })
    void drawsForTheNamesThatClientsHaveBuiltIn(String model, String form) throws Exception {
        HttpResponse<String> answer =
                generate("{\"prompt\":\"a\",\"model\":\"" + model + "\",\"num_inference_steps\":1}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(ServerProcess.body(answer).at("/data/0").propertyNames()).containsExactly(form, "seed");
        assertThat(job(answer).at("/parameters/model").stringValue()).isEqualTo("stub");
    }

    @Test
    void answersANameOfDallEWithThePictureItselfIfItIsAskedForOrStreamed() throws Exception {
        HttpResponse<String> answer = generate("""
                {"prompt":"a","model":"dall-e-3","response_format":"b64_json","num_inference_steps":1}""");
        assertThat(ServerProcess.body(answer).at("/data/0").propertyNames()).containsExactly("b64_json", "seed");
        assertThat(events(open("{\"prompt\":\"a\",\"model\":\"dall-e-3\",\"stream\":true}")))
                .extracting(ServerProcess.Event::name)
                .containsExactly("image_generation.completed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"standard", "hd", "low", "medium", "high", "auto"})
    void takesTheQualitiesAndStylesOfAllOfOpenAisModels(String quality) throws Exception {
        for (String style : List.of("\"vivid\"", "\"natural\"", "null")) {
            HttpResponse<String> answer = generate("{\"prompt\":\"a\",\"quality\":\"" + quality + "\",\"style\":"
                    + style + ",\"num_inference_steps\":1}");
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1024x1024, 256x256",
        "1792x1024, 256x144",
        "1024x1792, 144x256",
        "1536x1024, 256x168",
        "8x8, 16x16",
        "9999x1, 256x16",
        "100x99, 104x96"
    })
    void drawsTheNearestSizeAndSaysSo(String asked, String drawn) throws Exception {
        HttpResponse<String> answer =
                generate("{\"prompt\":\"a\",\"size\":\"" + asked + "\",\"num_inference_steps\":1}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        JsonNode images = ServerProcess.body(answer);
        assertThat(images.get("size").stringValue()).isEqualTo(drawn);
        assertThat(images.get("requested_size").stringValue()).isEqualTo(asked);
        assertThat(answer.headers().firstValue("Darkroom-Requested-Size")).contains(asked);
        BufferedImage picture = ImageIO.read(
                new ByteArrayInputStream(images.at("/data/0/b64_json").binaryValue()));
        assertThat(picture.getWidth() + "x" + picture.getHeight()).isEqualTo(drawn);
    }

    @Test
    void saysNothingOfASizeThatIsDrawnAsAskedFor() throws Exception {
        for (String size : List.of("64x128", "auto")) {
            HttpResponse<String> answer =
                    generate("{\"prompt\":\"a\",\"size\":\"" + size + "\",\"num_inference_steps\":1}");
            assertThat(ServerProcess.body(answer).has("requested_size")).isFalse();
            assertThat(answer.headers().firstValue("Darkroom-Requested-Size")).isEmpty();
        }
    }

    @Test
    void refusesOtherSizesInTheServicesOwnShape() throws Exception {
        HttpResponse<String> answer = server.post("{\"prompt\":\"a\",\"width\":1024}");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body()).contains("width must be between 16 and 256; given: 1024");
    }

    @Test
    void drawsTenPicturesAtOnce() throws Exception {
        HttpResponse<String> answer =
                generate("{\"prompt\":\"a\",\"n\":10,\"size\":\"16x16\",\"num_inference_steps\":1}");
        assertThat(ServerProcess.body(answer).get("data")).hasSize(10);
    }

    /** Operations that OpenAI has and the service has not: its clients can read why. */
    @ParameterizedTest
    @CsvSource({
        "POST, /v1/images/edits, 404, not_found",
        "POST, /v1/images/variations, 404, not_found",
        "GET, /v1/images/anything, 404, not_found",
        "GET, /v1/images/any/thing, 404, not_found",
        "GET, /v1/images/generations, 405, method_not_allowed"
    })
    void answersInOpenAisFormBelowItsPath(String method, String path, int status, String code) throws Exception {
        HttpResponse<String> answer = server.send(server.request(path)
                .header("Content-Type", "multipart/form-data; boundary=b")
                .method(method, HttpRequest.BodyPublishers.ofString(method.equals("GET") ? "" : "--b--")));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(ServerProcess.body(answer).at("/error/code").stringValue()).isEqualTo(code);
    }

    @Test
    void namesOfOpenAisModelsAndSizesFollowTheSettings() throws Exception {
        try (ServerProcess other = ServerProcess.within(
                        ServerProcess.freshData("openai"),
                        "--stub.step-time=1ms",
                        "--darkroom.openai-model=third",
                        "--darkroom.nearest-size=always")
                .awaitReady()) {
            HttpResponse<String> third = HttpClient.newHttpClient()
                    .send(
                            post(other, "{\"prompt\":\"a\",\"model\":\"dall-e-3\"}"),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(other.get(third.headers().firstValue("Location").orElseThrow())
                            .body())
                    .contains("\"model\":\"third\"");
            HttpResponse<String> fitted = other.post("{\"prompt\":\"a\",\"width\":1024,\"height\":512}");
            assertThat(fitted.statusCode()).as(fitted.body()).isEqualTo(202);
            assertThat(fitted.headers().firstValue("Darkroom-Requested-Size")).contains("1024x512");
            assertThat(fitted.body()).contains("\"width\":256,\"height\":128");
        }
        try (ServerProcess strict = ServerProcess.within(
                        ServerProcess.freshData("openai"),
                        "--darkroom.openai-model=none",
                        "--darkroom.nearest-size=never")
                .awaitReady()) {
            HttpResponse<String> unknown = HttpClient.newHttpClient()
                    .send(
                            post(strict, "{\"prompt\":\"a\",\"model\":\"dall-e-3\"}"),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(unknown.statusCode()).isEqualTo(404);
            assertThat(unknown.body()).contains("darkroom.openai-model says none");
            HttpResponse<String> size = HttpClient.newHttpClient()
                    .send(
                            post(strict, "{\"prompt\":\"a\",\"size\":\"1024x1024\"}"),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(size.statusCode()).isEqualTo(400);
            assertThat(ServerProcess.body(size).at("/error/code").stringValue()).isEqualTo("out_of_range");
        }
    }

    @Test
    void listsTheModelsAsTheClientsExpectThem() throws Exception {
        JsonNode list = ServerProcess.body(server.get("/v1/models"));
        assertThat(list.get("object").stringValue()).isEqualTo("list");
        assertThat(list.get("data")).hasSize(3);
        assertThat(list.get("models")).hasSize(3);
        for (JsonNode model : list.get("data")) {
            assertThat(model.propertyNames()).containsExactly("id", "object", "created", "owned_by");
            assertThat(model.get("object").stringValue()).isEqualTo("model");
            assertThat(model.get("created").isIntegralNumber()).isTrue();
        }
        assertThat(list.at("/data/0/id").stringValue()).isEqualTo("stub");
        JsonNode one = ServerProcess.body(server.get("/v1/models/stub"));
        for (String field : List.of("id", "object", "created", "owned_by")) {
            assertThat(one.get(field)).isEqualTo(list.at("/data/0/" + field));
        }
    }

    @Test
    void asksForNoOtherTryOfAJobThatFailed() throws Exception {
        HttpResponse<String> answer = generate("{\"prompt\":\"unpredictable\"}");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
        assertThat(ServerProcess.body(answer).at("/error/type").stringValue()).isEqualTo("server_error");
    }

    @Test
    void answersInOpenAisFormToOtherMethodsAndMediaTypes() throws Exception {
        HttpResponse<String> wrongMethod =
                server.send(server.request("/v1/images/generations").DELETE());
        assertThat(wrongMethod.statusCode()).isEqualTo(405);
        assertThat(ServerProcess.body(wrongMethod).at("/error/code").stringValue())
                .isEqualTo("method_not_allowed");
        for (String type : List.of("text/plain", "multipart/form-data")) { // without a boundary
            HttpResponse<String> wrongType = server.send(server.request("/v1/images/generations")
                    .header("Content-Type", type)
                    .POST(HttpRequest.BodyPublishers.ofString("a red apple")));
            assertThat(wrongType.statusCode()).as(wrongType.body()).isEqualTo(415);
            assertThat(ServerProcess.body(wrongType).at("/error/code").stringValue())
                    .isEqualTo("unsupported_media_type");
        }
    }

    @Test
    void saysWhenToComeBackWhileTheQueueIsFull() throws Exception {
        List<String> fillers = fillQueue();
        try {
            HttpResponse<String> refused = generate(FROM_PYTHON);
            assertThat(refused.statusCode()).as(refused.body()).isEqualTo(429);
            assertThat(Integer.parseInt(
                            refused.headers().firstValue("Retry-After").orElseThrow()))
                    .isPositive();
            JsonNode error = ServerProcess.body(refused).get("error");
            assertThat(error.get("code").stringValue()).isEqualTo("rate_limit_exceeded");
            assertThat(error.get("type").stringValue()).isEqualTo("rate_limit_error");
        } finally {
            cancel(fillers);
        }
    }

    @Test
    void cancelsTheJobOfAClientThatHangsUp() throws Exception {
        List<String> fillers = fillQueue();
        try {
            server.delete(fillers.get(fillers.size() - 1));
            CompletableFuture<?> waiting = HttpClient.newHttpClient()
                    .sendAsync(post("{\"prompt\":\"left alone\"}"), HttpResponse.BodyHandlers.ofString());
            await().pollDelay(Duration.ofMillis(500)).until(() -> queueIsFull(fillers));
            waiting.cancel(true);
            await().atMost(Duration.ofSeconds(3)).until(() -> !queueIsFull(fillers));
        } finally {
            cancel(fillers);
        }
    }

    @Test
    void cancelsTheJobOfAClientThatLeavesItsStream() throws Exception {
        HttpResponse<InputStream> stream =
                open("{\"prompt\":\"left alone\",\"num_inference_steps\":150,\"stream\":true}");
        stream.body().close();
        String url = stream.headers().firstValue("Location").orElseThrow();
        await().atMost(Duration.ofSeconds(60)) // were it not canceled, it would succeed
                .until(() -> ServerProcess.body(server.get(url))
                        .get("state")
                        .stringValue()
                        .equals("canceled"));
    }

    @Test
    void tellsThoseWhoWaitThatTheServerShutsDown() throws Exception {
        ServerProcess stopping = ServerProcess.start(ServerProcess.freshData("openai-stop"), "--stub.step-time=200ms")
                .awaitReady();
        try {
            String body = "{\"prompt\":\"a\",\"num_inference_steps\":150";
            HttpResponse<InputStream> stream = HttpClient.newHttpClient()
                    .send(post(stopping, body + ",\"stream\":true}"), HttpResponse.BodyHandlers.ofInputStream());
            CompletableFuture<HttpResponse<String>> waiting = HttpClient.newHttpClient()
                    .sendAsync(post(stopping, body + "}"), HttpResponse.BodyHandlers.ofString());
            await().pollDelay(Duration.ofMillis(500)).until(() -> true);
            stopping.terminate();

            List<ServerProcess.Event> events = events(stream);
            assertThat(events).extracting(ServerProcess.Event::name).containsExactly("error");
            assertThat(events.get(0).data().at("/error/message").stringValue())
                    .isEqualTo("the server shuts down; try again in a moment");
            assertThat(waiting.join().statusCode()).isEqualTo(503);
            assertThat(waiting.join().headers().firstValue("Retry-After")).contains("2");
        } finally {
            stopping.close();
        }
    }

    /** So many jobs of 7.5 s that no further one is accepted. */
    private static List<String> fillQueue() throws IOException, InterruptedException {
        List<String> fillers = new ArrayList<>();
        while (!queueIsFull(fillers)) {
            assertThat(fillers).hasSizeLessThan(40);
        }
        return fillers;
    }

    /** Whether one more filler is refused; otherwise it is added. */
    private static boolean queueIsFull(List<String> fillers) throws IOException, InterruptedException {
        HttpResponse<String> answer = server.post("{\"prompt\":\"a filler\",\"steps\":150,\"n\":8}");
        answer.headers().firstValue("Location").ifPresent(fillers::add);
        return answer.statusCode() == 429;
    }

    private static void cancel(List<String> jobs) throws IOException, InterruptedException {
        for (String job : jobs) {
            server.delete(job);
        }
        for (String job : jobs) {
            await().until(() -> server.get(job).body().contains("\"state\":\"canceled\""));
        }
    }

    private static JsonNode job(HttpResponse<String> answer) throws IOException, InterruptedException {
        return ServerProcess.body(
                server.get(answer.headers().firstValue("Location").orElseThrow()));
    }

    private static HttpRequest post(String body) {
        return post(server, body);
    }

    private static HttpRequest post(ServerProcess to, String body) {
        return to.request("/v1/images/generations", "Accept", "application/json", "Authorization", "Bearer x")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static HttpResponse<String> generate(String body) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(post(body), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<InputStream> open(String body) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(post(body), HttpResponse.BodyHandlers.ofInputStream());
    }

    private static byte[] picture(URI uri) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer.body();
    }

    private static List<ServerProcess.Event> events(HttpResponse<InputStream> answer) throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
            return ServerProcess.events(lines, Integer.MAX_VALUE);
        }
    }
}
