package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.api.http.Problem;
import dev.darkroom.api.v1.JobStreams;
import dev.darkroom.api.v1.JobUrls;
import dev.darkroom.api.who.Caller;
import dev.darkroom.job.Quota;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

/** What clients of all kinds send by habit. */
class HabitsTests extends ServerTest {

    @Autowired
    private JdbcClient sql;

    @Autowired
    private JobStreams streams;

    @LocalServerPort
    private int port;

    private String drawn(String json) {
        HttpResponse<String> answer = post(json, "Prefer", "wait=60");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return body(answer).get("id").stringValue();
    }

    private static void isProblem(HttpResponse<String> answer, int status, String code, String... words) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(body(answer).get("code").stringValue()).isEqualTo(code);
        assertThat(body(answer).get("detail").stringValue()).contains(words);
    }

    @Test
    void conditionsThatAreNoneAreIgnored() {
        String job = "/v1/jobs/" + drawn("{\"prompt\":\"a\",\"steps\":1}");
        for (String path : new String[] {job + "/images/0", job + "/images", job, "/v1/models"}) {
            for (String header : new String[] {
                "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Accept-Language"
            }) {
                for (String value : new String[] {"abc", "W/abc", "\"a", "'x'", ",", "\"", "W/\"", "*,*"}) {
                    assertThat(get(path, header, value).statusCode())
                            .as(path + " " + header + ": " + value)
                            .isIn(200, 412);
                }
            }
        }
        String tag = header(get(job + "/images/0"), "ETag");
        for (String known : new String[] {tag, "W/" + tag, "\"a\", " + tag, "*", "broken, " + tag}) {
            assertThat(get(job + "/images/0", "If-None-Match", known).statusCode())
                    .as(known)
                    .isEqualTo(304);
        }
        assertThat(get(job + "/images/0", "If-None-Match", tag.replace("\"", ""))
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void aStreamAfterANumberThatTheJobNeverHadBeginsAnewAndEndsWithTheJob() {
        String id = submit("{\"prompt\":\"a\",\"steps\":5}");
        HttpResponse<String> events = get("/v1/jobs/" + id + "/events", "Last-Event-ID", "99999999");
        assertThat(events.statusCode()).isEqualTo(200);
        assertThat(events.body()).contains("event:snapshot", "event:succeeded");
        assertThat(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "99999999")
                        .statusCode())
                .isEqualTo(204);
    }

    @Test
    void noStreamIsOpenedAfterItsJobIsMade() {
        Caller caller = new Caller("key:streams", true, null, Quota.NONE);
        int[] made = {0};
        assertThatThrownBy(() -> nested(caller, made))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("100 event streams open");
        assertThat(made[0]).as("jobs whose stream had its place").isEqualTo(100);
        made[0] = 0;
        assertThatThrownBy(() -> nested(caller, made)).isInstanceOf(Problem.class);
        assertThat(made[0]).as("places are given back where no job is made").isEqualTo(100);
    }

    /** A job is made while all the other streams are opened. */
    private SseEmitter nested(Caller caller, int[] made) {
        return streams.open(caller, new JobUrls(""), () -> {
            made[0]++;
            nested(caller, made);
            throw new AssertionError("there is always a place left");
        });
    }

    private HttpResponse<String> packed(byte[] body, String coding, String type) {
        return send(request("/v1/images", "Content-Type", type, "Content-Encoding", coding)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    private void accepted(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        assertThat(body(answer).at("/parameters/prompt").stringValue()).isEqualTo("a red apple");
        delete("/v1/jobs/" + body(answer).get("id").stringValue());
    }

    private static byte[] gzip(byte[] body) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(body);
        }
        return packed.toByteArray();
    }

    @Test
    void bodiesMayBePackedByGzip() throws IOException {
        byte[] json = "{\"prompt\":\"a red apple\",\"steps\":1,\"seed\":5}".getBytes(StandardCharsets.UTF_8);
        for (String coding : new String[] {"gzip", "x-gzip", "GZIP"}) {
            accepted(packed(gzip(json), coding, "application/json"));
        }
        accepted(packed(json, "identity", "application/json"));
        byte[] png = send(
                        posting(new String(json, StandardCharsets.UTF_8), "Accept", "image/png"),
                        HttpResponse.BodyHandlers.ofByteArray())
                .body();
        accepted(packed(gzip(png), "gzip", "image/png"));
    }

    @Test
    void aPackedBodyIsBoundedByWhatIsInIt() throws IOException {
        byte[] spaces = new byte[40 << 20];
        Arrays.fill(spaces, (byte) ' ');
        byte[] bomb = gzip(spaces);
        assertThat(bomb.length).isLessThan(64 * 1024);
        isProblem(packed(bomb, "gzip", "application/json"), 413, "body_too_large", "65536 bytes");
    }

    @Test
    void bodiesThatAreNotPackedAsTheySayAreRefusedForThat() throws IOException {
        byte[] json = "{\"prompt\":\"a red apple\"}".getBytes(StandardCharsets.UTF_8);
        byte[] packed = gzip(json);
        isProblem(packed(json, "gzip", "application/json"), 400, "malformed_request", "Content-Encoding");
        isProblem(
                packed(Arrays.copyOf(packed, packed.length - 9), "gzip", "application/json"),
                400,
                "malformed_request",
                "cut short");
        for (String coding : new String[] {"br", "deflate", "zstd", "gzip, gzip", "aws-chunked"}) {
            HttpResponse<String> answer = packed(packed, coding, "application/json");
            isProblem(answer, 415, "unsupported_media_type", "Content-Encoding", coding);
            assertThat(header(answer, "Accept-Encoding")).isEqualTo("gzip");
        }
    }

    @Test
    void timesAreNeverNegativeThoughTheClockWasSetBack() {
        String id = drawn("{\"prompt\":\"a\",\"steps\":1}");
        sql.sql("update job set started_at = ?, finished_at = ? where id = ?")
                .params(
                        java.sql.Timestamp.valueOf("2001-01-01 00:00:01"),
                        java.sql.Timestamp.valueOf("2001-01-01 00:00:00"),
                        id)
                .update();
        HttpResponse<String> answer = get("/v1/jobs/" + id);
        JsonNode timings = body(answer).get("timings");
        assertThat(timings.get("queued_ms").longValue()).isZero();
        assertThat(timings.get("running_ms").longValue()).isZero();
        assertThat(header(answer, "Server-Timing")).startsWith("queue;dur=0.0,");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\uD83C\uDF4E", "é", "漢", "x"})
    void promptsAreCountedInCharacters(String character) {
        JsonNode job = body(post("{\"prompt\":\"" + character.repeat(1000) + "\",\"steps\":1}"));
        assertThat(job.get("errors")).as(job.toString()).isNull();
        delete("/v1/jobs/" + job.get("id").stringValue());
        isProblem(
                post("{\"prompt\":\"" + character.repeat(2001) + "\"}"), 400, "invalid_request", "2000", "given: 2001");
    }

    @ParameterizedTest
    @CsvSource({
        "prompt, \\u0000, U+0000",
        "prompt, \\u001b[31m, U+001B",
        "negative_prompt, \\u0007, U+0007",
        "negative_prompt, \\u007f, U+007F",
        "prompt, \\u0085, U+0085",
        "prompt, \\ud83c, U+D83C",
        "prompt, \\udf4e\\ud83c, U+DF4E"
    })
    void whatIsNoTextIsRefused(String field, String text, String character) {
        String other = field.equals("prompt") ? "" : "\"prompt\":\"a\",";
        HttpResponse<String> answer = post("{" + other + "\"" + field + "\":\"ab" + text + "c\"}");
        isProblem(answer, 400, "invalid_request", field, character, "as character 3");
        assertThat(body(answer).at("/errors/0/code").stringValue()).isEqualTo("forbidden_character");
    }

    @Test
    void promptsMayHaveLinesAndTabs() {
        String id =
                submit("{\"prompt\":\"a red apple,\\r\\n\\ton a table\",\"negative_prompt\":\"x\\ny\",\"steps\":1}");
        assertThat(job(id).at("/parameters/prompt").stringValue()).isEqualTo("a red apple,\r\n\ton a table");
        delete("/v1/jobs/" + id);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    sampler        | "DPM++ 2M Karras"                 | "sampler": "dpmpp_2m", "schedule": "karras"
                    sampler        | "dpmpp_2m_karras"                 | "sampler": "dpmpp_2m", "schedule": "karras"
                    sampler        | "DPM++ 2M SDE Exponential"        | "sampler": "dpmpp_2m_sde", "schedule": "exponential"
                    sampler        | "dpmpp_sde_gpu"                   | given
                    sampler        | "Euler a"                         | "sampler": "euler_ancestral"
                    sampler        | "euler-ancestral"                 | "sampler": "euler_ancestral"
                    sampler        | "EulerAncestralDiscreteScheduler" | "sampler": "euler_ancestral"
                    sampler        | "EulerDiscreteScheduler"          | "sampler": "euler"
                    sampler        | "Euler"                           | "sampler": "euler"
                    sampler        | "K_EULER_ANCESTRAL"               | "sampler": "euler_ancestral"
                    sampler        | "k_lms"                           | "sampler": "lms"
                    sampler        | "LMSDiscreteScheduler"            | "sampler": "lms"
                    sampler        | "DPMSolverMultistepScheduler"     | "sampler": "dpmpp_2m"
                    sampler        | "DPMSolverMultistep"              | "sampler": "dpmpp_2m"
                    sampler        | "KarrasDPM"                       | "sampler": "dpmpp_2m", "schedule": "karras"
                    sampler        | "dpmpp_2m_k"                      | "sampler": "dpmpp_2m", "schedule": "karras"
                    sampler        | "DPM2"                            | "sampler": "dpm2"
                    sampler        | "DPM2 a Karras"                   | "sampler": "dpm2_ancestral", "schedule": "karras"
                    sampler        | "dpm_2"                           | "sampler": "dpm2"
                    sampler        | "dpm_2_ancestral"                 | "sampler": "dpm2_ancestral"
                    sampler        | "k_dpm_2"                         | "sampler": "dpm2"
                    sampler        | "k_dpm_2_a"                       | "sampler": "dpm2_ancestral"
                    sampler        | "K_DPM_2_ANCESTRAL"               | "sampler": "dpm2_ancestral"
                    sampler        | "kdpm_2_k"                        | "sampler": "dpm2", "schedule": "karras"
                    sampler        | "kdpm_2_a"                        | "sampler": "dpm2_ancestral"
                    sampler        | "KDPM2DiscreteScheduler"          | "sampler": "dpm2"
                    sampler        | "KDPM2AncestralDiscreteScheduler" | "sampler": "dpm2_ancestral"
                    sampler        | "DPM++ 2S"                        | "sampler": "dpmpp_2s"
                    sampler        | "dpmpp_2s_k"                      | "sampler": "dpmpp_2s", "schedule": "karras"
                    sampler        | "DPMSolverSinglestepScheduler"    | "sampler": "dpmpp_2s"
                    sampler        | "DEIS"                            | "sampler": "deis"
                    sampler        | "DEISMultistepScheduler"          | "sampler": "deis"
                    sampler        | "PLMS"                            | "sampler": "pndm"
                    sampler        | "PNDMScheduler"                   | "sampler": "pndm"
                    sampler        | "DDIM"                            | "sampler": "ddim"
                    sampler        | "uni_pc"                          | "sampler": "unipc"
                    sampler        | "UniPCMultistepScheduler"         | "sampler": "unipc"
                    sampler        | "LCMScheduler"                    | "sampler": "lcm"
                    schedule       | "Karras"                          | "schedule": "karras"
                    schedule       | "Uniform"                         | "schedule": "default"
                    output_format  | "jpg"                             | "output_format": "jpeg"
                    output_format  | "image/webp"                      | "output_format": "webp"
                    output_format  | "PNG"                             | "output_format": "png"
                    priority       | "HIGH"                            | given
                    seed           | -1                                | leave it out for a random one
                    guidance_scale | 0                                 | write 1 for no guidance
                    guidance_scale | 0.0                               | write 1 for no guidance
                    model          | "darkroom/emoji"                  | given
                    model          | "Darkroom-Emoji"                  | "model": "darkroom-emoji"
                    """)
    void whatOtherProgramsSayIsAnsweredWithWhatToWriteHere(String field, String value, String advice) {
        isProblem(post("{\"prompt\":\"a\",\"" + field + "\":" + value + "}"), 400, "invalid_request", advice);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
                    -                                 | is missing
                    application/x-www-form-urlencoded | says application/x-www-form-urlencoded
                    text/plain                        | says text/plain
                    multipart/form-data; boundary=x   | says multipart/form-data
                    nonsense                          | says nonsense
                    application/json; charset=x-none  | says application/json
                    """)
    void aBodyOfAnotherTypeHearsWhatToSend(String type, String given) {
        for (String path : new String[] {"/v1/images", "/v1/images/generations"}) {
            HttpRequest.Builder request = request(path);
            if (type != null) {
                request.header("Content-Type", type);
            }
            HttpResponse<String> answer = send(request.POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\"}")));
            assertThat(answer.statusCode()).as(path + answer.body()).isEqualTo(415);
            assertThat(answer.body()).contains("unsupported_media_type", "Content-Type: application/json", given);
        }
    }

    @Test
    void queriesAreReadLikeFields() {
        String id = submit("{\"prompt\":\"a\",\"steps\":1}");
        String job = "/v1/jobs/" + id;
        isProblem(get("/v1/jobs?stat=running"), 400, "invalid_parameter", "\"stat\"", "did you mean \"state\"?");
        isProblem(get("/v1/jobs?page=2"), 400, "invalid_parameter", "\"page\"", "state, limit, cursor");
        isProblem(get("/v1/jobs?limit=5&limit=6"), 400, "invalid_parameter", "limit is given 2 times");
        isProblem(get("/v1/jobs?limit=many"), 400, "invalid_parameter", "limit", "many");
        isProblem(get("/v1/jobs?limit="), 400, "invalid_parameter", "limit");
        isProblem(get("/v1/jobs?cursor=x"), 400, "invalid_parameter", "cursor");
        isProblem(get("/v1/models?limit=5"), 400, "invalid_parameter", "there is none");
        isProblem(get(job + "?wait=5"), 400, "invalid_parameter", "did you mean \"wait_ms\"?");
        isProblem(get(job + "/events?after=1"), 400, "invalid_parameter", "\"after\"");
        isProblem(get(job + "/images/0?format=png"), 400, "invalid_parameter", "\"format\"");
        isProblem(get(job + "/images?x"), 400, "invalid_parameter", "\"x\"");
        isProblem(send(request(job + "?force=true").DELETE()), 400, "invalid_parameter", "\"force\"");
        assertThat(get("/v1/jobs?state=queued&state=running&limit=5").statusCode())
                .isEqualTo(200);
        assertThat(get(job + "?wait_ms=0").statusCode()).isEqualTo(200);
        for (String path : new String[] {"/v1/images?n=2", "/v1/jobs?wait_ms=1", "/v1/images/generations?n=2"}) {
            HttpResponse<String> refused = send(request(path, "Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\"}")));
            assertThat(refused.statusCode()).as(path).isEqualTo(400);
            assertThat(refused.body()).contains("invalid_parameter", "there is no query parameter");
        }
        HttpResponse<String> azure =
                send(request("/v1/images/generations?api-version=2024-02-01", "Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a\",\"num_inference_steps\":1}")));
        assertThat(azure.statusCode()).as(azure.body()).isEqualTo(200);
        delete(job);
    }

    @Test
    void headOptionsAndSlashesAtTheEndDoWhatTheyDoElsewhere() throws IOException {
        String id = submit("{\"prompt\":\"a\",\"steps\":150,\"n\":8}");
        for (String path : new String[] {"/v1/models", "/v1/jobs", "/v1/jobs/" + id, "/v1/jobs/" + id + "/events"}) {
            HttpResponse<String> head = send(request(path).method("HEAD", HttpRequest.BodyPublishers.noBody()));
            assertThat(head.statusCode()).as(path).isEqualTo(200);
            assertThat(head.body()).isEmpty();
            HttpResponse<String> options = send(request(path).method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
            assertThat(options.statusCode()).as(path).isEqualTo(200);
            assertThat(header(options, "Allow")).contains("GET", "HEAD", "OPTIONS");
        }
        assertThat(header(
                        send(request("/v1/jobs/" + id).method("OPTIONS", HttpRequest.BodyPublishers.noBody())),
                        "Allow"))
                .contains("DELETE");
        HttpResponse<String> posting =
                send(request("/v1/images").method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
        assertThat(header(posting, "Allow")).contains("POST").doesNotContain("GET");

        for (String path : new String[] {"/v1/models/", "/v1/jobs/", "/v1/jobs/" + id + "/"}) {
            assertThat(get(path).statusCode()).as(path).isEqualTo(200);
        }
        assertThat(send(request("/v1/images/", "Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"\"}")))
                        .statusCode())
                .isEqualTo(400);
        HttpResponse<String> ended = send(request("/v1/jobs/" + id + "/").DELETE());
        assertThat(ended.statusCode()).isIn(200, 202);
        isProblem(get("/v1//models"), 400, "malformed_request", "two slashes");
    }

    @Test
    void theExampleOfTheDocumentIsDrawnAtTheModelsSizeAndThePageMayShowIt() {
        JsonNode document = body(get("/v3/api-docs"));
        JsonNode example =
                document.at("/paths/~1v1~1images/post/requestBody/content/application~1json/examples/apple/value");
        JsonNode job = body(post(example.isString() ? example.stringValue() : example.toString()));
        JsonNode defaults = body(get("/v1/models")).at("/models/0/defaults");
        assertThat(job.at("/parameters/width")).as(job.toString()).isEqualTo(defaults.get("width"));
        assertThat(job.at("/parameters/height")).isEqualTo(defaults.get("height"));
        assertThat(job.at("/parameters/prompt").stringValue()).isEqualTo("a red apple");
        delete("/v1/jobs/" + job.get("id").stringValue());
        // Swagger UI shows a picture that it has fetched as a blob.
        assertThat(header(get("/swagger-ui/index.html"), "Content-Security-Policy"))
                .contains("img-src 'self' data: blob:;");
        assertThat(header(get("/v1/models"), "Content-Security-Policy")).doesNotContain("blob:");
    }

    @Test
    void warnsOfWhatIsAskedForAndWillHardlyBeDrawn() {
        String asked = "{\"prompt\":\"a red apple <lora:x:1> zzqx é\",\"width\":64,\"height\":64,\"steps\":1}";
        HttpResponse<String> answer = post(asked);
        JsonNode warnings = body(answer).get("warnings");
        assertThat(warnings.valueStream().map(each -> each.get("code").stringValue()))
                .containsExactly("foreign_syntax", "unknown_words", "unusual_size");
        assertThat(warnings.get(1).get("field").stringValue()).isEqualTo("prompt");
        assertThat(warnings.get(1).get("message").stringValue()).endsWith("was not taught: zzqx, é");
        String[] lines = {
            "foreign_syntax: prompt has what is no more than text here: <lora:x:1>",
            "unknown_words: prompt has words that the model was not taught: zzqx, ?",
            "unusual_size: the model was made for pictures of about 128x128 pixels; those of 64x64 may look wrong"
        };
        assertThat(answer.headers().allValues("Darkroom-Warning")).containsExactly(lines);
        assertThat(post(asked, "Accept", "image/png").headers().allValues("Darkroom-Warning"))
                .as("with a picture")
                .containsExactly(lines);
        assertThat(send(request("/v1/images/generations", "Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(
                                        "{\"prompt\":\"a zzqx\",\"size\":\"128x128\",\"num_inference_steps\":1}")))
                        .headers()
                        .allValues("Darkroom-Warning"))
                .as("in OpenAI's shape")
                .containsExactly("unknown_words: prompt has words that the model was not taught: zzqx");
        String id = body(answer).get("id").stringValue();
        assertThat(job(id).get("warnings")).isEqualTo(warnings);
        assertThat(get("/v1/jobs/" + id + "/events").body()).contains("\"code\":\"unknown_words\"");
        assertThat(body(get("/v1/jobs?limit=100")).get("jobs").valueStream())
                .filteredOn(job -> job.get("id").stringValue().equals(id))
                .singleElement()
                .satisfies(job -> assertThat(job.get("warnings")).isEqualTo(warnings));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a red apple",
                "a blue car, flat style",
                "A photo of a cute (green:1.2) T-shirt on a white background, highly detailed"
            })
    void doesNotWarnOfWhatTheBuiltInModelWasTaught(String prompt) {
        HttpResponse<String> answer = post("{\"prompt\":\"" + prompt + "\",\"steps\":1}");
        assertThat(body(answer).get("warnings")).isEmpty();
        assertThat(answer.headers().allValues("Darkroom-Warning")).isEmpty();
        assertThat(get("/v1/models").body()).doesNotContain("aubergine");
    }

    private String raw(String request) throws IOException {
        return raw(request.getBytes(StandardCharsets.UTF_8));
    }

    private String raw(byte[] request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) LONG.toMillis());
            socket.getOutputStream().write(request);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void tokensOfManyGroupsFitIntoTheHeadersAndWhatDoesNotIsNamed() throws IOException {
        assertThat(get("/v1/models", "Authorization", "Bearer " + "x".repeat(24_000))
                        .statusCode())
                .isEqualTo(200);
        assertThat(get("/v1/jobs?cursor=" + "x".repeat(24_000)).statusCode()).isEqualTo(400);
        for (String large : new String[] {
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + "x".repeat(40_000) + "\r\n\r\n",
            "GET /v1/models?x=" + "x".repeat(40_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + ("A: " + "x".repeat(5000) + "\r\n").repeat(8) + "\r\n"
        }) {
            assertThat(raw(large))
                    .startsWith("HTTP/1.1 431")
                    .contains("application/problem+json", "\"code\":\"headers_too_large\"", "at most 32768 bytes");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    GET /v1/models HTTP/3.7           | A: b                       | 505 | http_version_not_supported
                    POST /v1/images HTTP/1.1          | Transfer-Encoding: rot13   | 501 | not_implemented
                    POST /v1/images HTTP/1.1          | Expect: miracles           | 417 | expectation_failed
                    GET /v1/models HTTP/1.1           | Content-Length: -7         | 400 | malformed_request
                    """)
    void whatTomcatRefusesHasACodeOfItsOwn(String line, String header, int status, String code) throws IOException {
        assertThat(raw(line + "\r\nHost: localhost\r\nConnection: close\r\n" + header + "\r\n\r\n"))
                .startsWith("HTTP/1.1 " + status)
                .contains("application/problem+json", "\"code\":\"" + code + "\"", "\"status\":" + status);
    }

    @ParameterizedTest
    @CsvSource({"application/json, 40", "image/png, 40", "application/json, 100"})
    void aBodyThatIsFarTooLargeHearsSo(String type, int megabytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) LONG.toMillis());
            socket.getOutputStream()
                    .write(("POST /v1/images HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: " + type
                                    + "\r\nContent-Length: " + (megabytes << 20) + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] block = new byte[1 << 20];
            for (int i = 0; i < megabytes; i++) {
                socket.getOutputStream().write(block);
            }
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 413")
                    .contains("\"code\":\"body_too_large\"");
        }
    }

    @Test
    void aClientThatAsksBeforeItSendsTooMuchIsToldNotTo() throws IOException {
        assertThat(raw("POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Expect: 100-continue\r\nContent-Length: 40000000\r\n\r\n"))
                .startsWith("HTTP/1.1 413")
                .contains("\"code\":\"body_too_large\"");
    }
}
