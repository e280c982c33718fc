package dev.darkroom.api.who;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.darkroom.Darkroom;
import dev.darkroom.StubServer;
import dev.darkroom.access.ApiKey;
import dev.darkroom.access.ApiKeys;
import dev.darkroom.access.Scope;
import dev.darkroom.api.TokenIssuer;
import dev.darkroom.api.openai.OpenAiImagesController;
import dev.darkroom.api.v1.SignedPictures;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Quota;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.json.JsonMapper;

/** A server that asks callers who they are. */
@SpringBootTest(
        classes = {Darkroom.class, StubServer.class},
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "darkroom.max-streams=3",
            "darkroom.max-streams-per-caller=2",
            "stub.step-time=50ms",
            "management.endpoints.web.exposure.include=health,info"
        })
@ExtendWith(OutputCaptureExtension.class)
class SecurityTests {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Set<Scope> ALL = EnumSet.allOf(Scope.class);
    private static final String SCOPES = "images:write jobs:read";
    private static final TokenIssuer ISSUER = new TokenIssuer();
    private static final ApiKey.Created OF_SETTING = key(ALL, null, null, Quota.NONE);

    /** An operation of the API, as Spring has it. */
    record Operation(String method, String pattern) {

        String path(String job) {
            return pattern.replace("/v1/jobs/{id}", "/v1/jobs/" + job)
                    .replace("{id}", "stub")
                    .replace("{n}", "0");
        }

        boolean hasJob() {
            return pattern.startsWith("/v1/jobs/{id}");
        }

        boolean isOpenAi() {
            return pattern.startsWith(OpenAiImagesController.PATH);
        }
    }

    @Autowired
    @Qualifier("requestMappingHandlerMapping")
    private RequestMappingHandlerMapping mappings;

    @Autowired
    private ApiKeys keys;

    @Autowired
    private Jobs jobs;

    @Autowired
    private SignedPictures signed;

    @LocalServerPort
    private int port;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) throws IOException {
        Path data = Files.createTempDirectory(Files.createDirectories(Path.of("target", "server-tests")), "security");
        registry.add("darkroom.data-dir", () -> data.toString());
        registry.add("management.server.port", () -> ""); // the API's own
        registry.add("darkroom.api-keys", () -> OF_SETTING.kept().toSetting());
        registry.add("spring.security.oauth2.resourceserver.jwt.issuer-uri", ISSUER::uri);
    }

    @BeforeEach
    void waitUntilReady() {
        await().atMost(LONG)
                .until(() -> send("GET", "/actuator/health/readiness", null).statusCode() == 200);
    }

    private static ApiKey.Created key(
            Set<Scope> scopes, @Nullable Instant expires, @Nullable Integer rate, Quota quota) {
        return ApiKey.create("test", scopes, Instant.now(), expires, rate, quota);
    }

    private String kept(ApiKey.Created made) {
        keys.add(made.kept());
        return made.key();
    }

    private String goodKey() {
        return kept(key(ALL, null, null, Quota.NONE));
    }

    private List<Operation> operations() {
        List<Operation> operations = mappings.getHandlerMethods().keySet().stream()
                .flatMap(mapping -> mapping.getPatternValues().stream()
                        .filter(pattern -> pattern.startsWith("/v1") && !pattern.startsWith(SignedPictures.PATHS))
                        .flatMap(pattern -> mapping.getMethodsCondition().getMethods().stream()
                                .map(method -> new Operation(method.name(), pattern))))
                .distinct()
                .toList();
        assertThat(operations)
                .contains(
                        new Operation("POST", "/v1/images"),
                        new Operation("DELETE", "/v1/jobs/{id}"),
                        new Operation("GET", "/v1/jobs/{id}/images/{n}"));
        return operations;
    }

    private HttpRequest.Builder request(String method, String path, @Nullable String bearer, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .timeout(LONG)
                .method(
                        method,
                        method.equals("POST")
                                ? HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a red apple\"}")
                                : HttpRequest.BodyPublishers.noBody());
        if (method.equals("POST")) {
            request.setHeader("Content-Type", "application/json");
        }
        if (bearer != null) {
            request.setHeader("Authorization", "Bearer " + bearer);
        }
        return headers.length > 0 ? request.headers(headers) : request;
    }

    private HttpResponse<String> send(String method, String path, @Nullable String bearer, String... headers) {
        return send(request(method, path, bearer, headers));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        return send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static <T> HttpResponse<T> send(HttpRequest.Builder request, HttpResponse.BodyHandler<T> body) {
        try {
            return CLIENT.send(request.build(), body);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private HttpResponse<String> post(String bearer, String json, String... headers) {
        return send(request("POST", "/v1/images", bearer, headers).POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    private String submit(String bearer, String json) {
        HttpResponse<String> answer = post(bearer, json);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return JsonMapper.shared().readTree(answer.body()).get("id").stringValue();
    }

    private static String at(HttpResponse<String> answer, String pointer) {
        return JsonMapper.shared().readTree(answer.body()).at(pointer).asString();
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }

    private static void isProblem(HttpResponse<String> answer, int status, String code) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(header(answer, "Content-Type")).isEqualTo("application/problem+json");
        assertThat(at(answer, "/code")).isEqualTo(code);
    }

    // Credentials

    @Test
    void everyOperationRefusesEveryBadCredential() {
        String revoked = goodKey();
        keys.revoke(revoked.substring(3, 13));
        String good = goodKey();
        Map<String, @Nullable String> bad = new LinkedHashMap<>();
        bad.put("none", null);
        bad.put("malformed", "dk_nonsense");
        bad.put("no key", "nonsense");
        bad.put("unknown", key(ALL, null, null, Quota.NONE).key());
        bad.put("wrong secret", good.substring(0, good.length() - 1) + (good.endsWith("A") ? "B" : "A"));
        bad.put("revoked", revoked);
        bad.put("expired", kept(key(ALL, Instant.now().minusSeconds(1), null, Quota.NONE)));
        bad.put("forged token", ISSUER.forged("someone", SCOPES));
        bad.put("token for ever", ISSUER.withoutEnd("someone", SCOPES));
        bad.put("expired token", ISSUER.expired("someone", SCOPES));
        bad.put("another issuer's token", ISSUER.ofAnotherIssuer("someone", SCOPES));
        bad.put("nobody's token", ISSUER.withoutSubject(SCOPES));
        String job = submit(good, "{\"prompt\":\"a red apple\"}");
        for (Operation operation : operations()) {
            bad.forEach((what, bearer) -> {
                HttpResponse<String> answer = send(operation.method(), operation.path(job), bearer);
                assertThat(answer.statusCode()).as("%s %s", what, operation).isEqualTo(401);
                assertThat(header(answer, "WWW-Authenticate"))
                        .isEqualTo("Bearer realm=\"darkroom\"" + (bearer == null ? "" : ", error=\"invalid_token\""));
                if (operation.isOpenAi()) {
                    assertThat(header(answer, "Content-Type")).isEqualTo("application/json");
                    assertThat(at(answer, "/error/code")).isEqualTo("invalid_api_key");
                } else {
                    isProblem(answer, 401, "unauthorized");
                }
                assertThat(answer.body()).doesNotContain(bearer == null ? "Bearer realm" : bearer);
            });
        }
        assertThat(send("GET", "/v1/jobs/" + job, good).statusCode()).isEqualTo(200);
    }

    @Test
    void credentialsThatAreNoBearerTokenAreRefused() {
        for (String header : List.of(
                "Basic ZGs6ZGs=",
                "Basic",
                "Basic ",
                "Basic Og==",
                "Basic ?",
                "Bearer",
                "Bearer ",
                "Bearer a b",
                "Bearer " + goodKey() + "ü")) {
            HttpResponse<String> answer = send("GET", "/v1/models", null, "Authorization", header);
            isProblem(answer, 401, "unauthorized");
            assertThat(header(answer, "WWW-Authenticate")).startsWith("Bearer realm=\"darkroom\"");
        }
        String inQuery = "/v1/models?access_token=" + goodKey();
        isProblem(send("GET", inQuery, null), 401, "unauthorized");
    }

    @Test
    void keysOfTheSettingAndOfTheDatabaseAndTokensLetIn() {
        for (String bearer : List.of(OF_SETTING.key(), goodKey(), ISSUER.token("someone", SCOPES))) {
            String job = submit(bearer, "{\"prompt\":\"a red apple\"}");
            HttpResponse<String> ended = send("GET", "/v1/jobs/" + job + "?wait_ms=60000", bearer);
            assertThat(at(ended, "/state")).isEqualTo("succeeded");
            assertThat(send("GET", "/v1/jobs/" + job + "/images/0", bearer).statusCode())
                    .isEqualTo(200);
        }
    }

    /** As clients of Azure, Anthropic and AUTOMATIC1111 send a key. */
    @Test
    void aKeyLetsInInItsOtherForms() {
        String key = goodKey();
        String expired = kept(key(ALL, Instant.now().minusSeconds(1), null, Quota.NONE));
        for (String[] form : new String[][] {
            {"api-key", "%s"}, {"x-api-key", " %s "}, {"Authorization", "Basic user:%s"}, {"Authorization", "basic %s:"}
        }) {
            assertThat(send("GET", "/v1/models", null, form[0], filled(form[1], key))
                            .statusCode())
                    .as(form[1])
                    .isEqualTo(200);
            isProblem(send("GET", "/v1/models", null, form[0], filled(form[1], expired)), 401, "unauthorized");
        }
        String gateways = filled("Basic gateway:%s", "secret");
        assertThat(send("GET", "/v1/models", null, "Authorization", gateways, "api-key", key)
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<String> job = send(request("POST", "/v1/images", null, "api-key", key)
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"a red apple\"}")));
        String id = at(job, "/id");
        assertThat(send("GET", "/v1/jobs/" + id, key).statusCode())
                .as("the same caller")
                .isEqualTo(200);
    }

    private static String filled(String form, String key) {
        String[] parts = form.split(" ", 2);
        return parts[0].equalsIgnoreCase("basic")
                ? parts[0] + " "
                        + Base64.getEncoder()
                                .encodeToString(String.format(parts[1], key).getBytes(StandardCharsets.UTF_8))
                : String.format(form, key);
    }

    @Test
    void aRevokedKeyIsOfNoUseFromThenOn() {
        String key = goodKey();
        assertThat(send("GET", "/v1/models", key).statusCode()).isEqualTo(200);
        assertThat(keys.revoke(key.substring(3, 13))).isTrue();
        isProblem(send("GET", "/v1/models", key), 401, "unauthorized");
    }

    @Test
    void everyOperationNeedsItsScope() {
        String reader = kept(key(EnumSet.of(Scope.JOBS_READ), null, null, Quota.NONE));
        String writer = ISSUER.token("writer", "images:write openid");
        String nobody = ISSUER.token("nobody", "openid");
        String job = submit(writer, "{\"prompt\":\"a red apple\"}");
        for (Operation operation : operations()) {
            if (operation.pattern().startsWith("/v1/models")) {
                assertThat(send(operation.method(), operation.path(job), nobody).statusCode())
                        .isEqualTo(200);
                continue;
            }
            boolean reads = operation.method().equals("GET");
            for (String bearer : List.of(reads ? writer : reader, nobody)) {
                HttpResponse<String> answer = send(operation.method(), operation.path(job), bearer);
                assertThat(answer.statusCode()).as("%s", operation).isEqualTo(403);
                assertThat(header(answer, "WWW-Authenticate"))
                        .isEqualTo("Bearer realm=\"darkroom\", error=\"insufficient_scope\", scope=\""
                                + (reads ? "jobs:read" : "images:write") + "\"");
                assertThat(at(answer, operation.isOpenAi() ? "/error/code" : "/code"))
                        .isEqualTo("insufficient_scope");
            }
        }
    }

    @Test
    void theDocumentAndHealthAreOpenAndOtherEndpointsAreNot() {
        for (String path : List.of("/v3/api-docs", "/swagger-ui/index.html", "/actuator/health")) {
            assertThat(send("GET", path, null).statusCode()).as(path).isEqualTo(200);
        }
        for (String path : List.of("/actuator/info", "/nothing", "/v1/nothing")) {
            isProblem(send("GET", path, null), 401, "unauthorized");
        }
        assertThat(send("GET", "/actuator/info", goodKey()).statusCode()).isEqualTo(200);
    }

    @Test
    void theDocumentSaysWhichCredentialsEachOperationNeeds() {
        HttpResponse<String> document = send("GET", "/v3/api-docs", null);
        assertThat(at(document, "/components/securitySchemes/bearer/scheme")).isEqualTo("bearer");
        for (Operation operation : operations()) {
            String at = "/paths/" + operation.pattern().replace("/", "~1") + "/"
                    + operation.method().toLowerCase(java.util.Locale.ROOT);
            assertThat(JsonMapper.shared()
                            .readTree(document.body())
                            .at(at + "/security/0/bearer")
                            .isArray())
                    .as(at)
                    .isTrue();
            assertThat(JsonMapper.shared().readTree(document.body()).at(at + "/responses/401/headers/WWW-Authenticate"))
                    .as(at)
                    .isNotEmpty();
        }
    }

    // Signed URLs

    @Test
    void aSignedUrlIsThePictureForWhoeverHasIt() throws Exception {
        String key = goodKey();
        HttpResponse<String> answer = send(request("POST", "/v1/images/generations", key)
                .POST(HttpRequest.BodyPublishers.ofString(
                        "{\"prompt\":\"a red apple\",\"n\":2,\"response_format\":\"url\",\"num_inference_steps\":2}")));
        String job = header(answer, "Location");
        for (int i = 0; i < 2; i++) {
            String url = at(answer, "/data/" + i + "/url");
            assertThat(url).startsWith("http://localhost:" + port + "/").endsWith("_" + i + ".png");
            HttpResponse<byte[]> file = send(
                    HttpRequest.newBuilder(URI.create(url)).header("Accept", "image/webp,*/*;q=0.1"),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(file.statusCode()).isEqualTo(200);
            assertThat(header(file, "Content-Type")).isEqualTo("image/png");
            assertThat(file.body())
                    .isEqualTo(send(
                                    request("GET", job + "/images/" + i, key, "Accept", "image/png"),
                                    HttpResponse.BodyHandlers.ofByteArray())
                            .body());
            String path = URI.create(url).getPath();
            assertThat(send("HEAD", path, null).statusCode()).isEqualTo(200);
            assertThat(send("GET", path, null, "Range", "bytes=0-7").statusCode())
                    .isEqualTo(206);
        }
    }

    @Test
    void aChangedOrExpiredUrlIsRefused() {
        String key = goodKey();
        String id = submit(key, "{\"prompt\":\"a red apple\",\"n\":2,\"steps\":2}");
        send("GET", "/v1/jobs/" + id + "?wait_ms=60000", key);
        Job job = jobs.find(id).orElseThrow();
        String good = signed.address(job, job.images().get(0));
        assertThat(send("GET", good, null).statusCode()).isEqualTo(200);
        String later = good.replaceFirst("/([0-9]+)-", "/9$1-");
        char last = good.charAt(good.lastIndexOf('/') - 2);
        String resigned = good.substring(0, good.lastIndexOf('/') - 2)
                + (last == 'A' ? 'B' : 'A')
                + good.substring(good.lastIndexOf('/') - 1);
        for (String bad : List.of(
                good.replace("_0.png", "_1.png"),
                good.replace("_0.png", "_0.jpg"),
                good.replace(id, "job_00000000000000000000000000"),
                later,
                resigned,
                "/v1/pictures/x/" + id + "_0.png",
                "/v1/pictures/1-" + "A".repeat(43) + "/" + id + "_0.png")) {
            isProblem(send("GET", bad, null), 403, "invalid_signature");
            isProblem(send("GET", bad, key), 403, "invalid_signature");
        }
        Instant over = Instant.now().minusSeconds(1);
        HttpResponse<String> expired =
                send("GET", signed.address(job, job.images().get(0), over), null);
        isProblem(expired, 410, "url_expired");
        assertThat(at(expired, "/detail"))
                .contains(over.truncatedTo(ChronoUnit.SECONDS).toString(), "/v1/jobs/" + id + "/images/0");
    }

    // Others' jobs

    @Test
    void anothersJobIsNoDifferentFromNone() {
        String owner = goodKey();
        String job = submit(owner, "{\"prompt\":\"a red apple\"}");
        assertThat(at(send("GET", "/v1/jobs/" + job + "?wait_ms=60000", owner), "/state"))
                .isEqualTo("succeeded");
        String unknown = "0" + job.substring(1, job.length() - 1) + "0";
        List<Operation> withJob =
                operations().stream().filter(Operation::hasJob).toList();
        assertThat(withJob).hasSizeGreaterThanOrEqualTo(5);
        for (Operation operation : withJob) {
            for (String foreign : List.of(goodKey(), ISSUER.token("another", SCOPES), OF_SETTING.key())) {
                HttpResponse<String> ofAnother = send(operation.method(), operation.path(job), foreign);
                HttpResponse<String> ofNone = send(operation.method(), operation.path(unknown), foreign);
                isProblem(ofAnother, 404, "job_not_found");
                assertThat(ofAnother.body().replace(job, "JOB"))
                        .isEqualTo(ofNone.body().replace(unknown, "JOB"));
                assertThat(names(ofAnother)).isEqualTo(names(ofNone));
            }
        }
        assertThat(send("GET", "/v1/jobs/" + job, owner).statusCode()).isEqualTo(200);
    }

    private static Set<String> names(HttpResponse<String> answer) {
        return answer.headers().map().keySet();
    }

    @Test
    void subjectsOfTheSameIssuerDoNotShareJobs() {
        String job = submit(ISSUER.token("ann", SCOPES), "{\"prompt\":\"a red apple\"}");
        assertThat(send("GET", "/v1/jobs/" + job, ISSUER.token("ann", SCOPES)).statusCode())
                .isEqualTo(200);
        isProblem(send("GET", "/v1/jobs/" + job, ISSUER.token("bob", SCOPES)), 404, "job_not_found");
        String long1 = "x".repeat(300) + "1";
        String ofLong = submit(ISSUER.token(long1, SCOPES), "{\"prompt\":\"a red apple\"}");
        assertThat(send("GET", "/v1/jobs/" + ofLong, ISSUER.token(long1, SCOPES))
                        .statusCode())
                .isEqualTo(200);
        isProblem(send("GET", "/v1/jobs/" + ofLong, ISSUER.token("x".repeat(300) + "2", SCOPES)), 404, "job_not_found");
    }

    // Limits

    @Test
    void aKeyKeepsToItsRequestsPerMinute() {
        String key = kept(key(ALL, null, 3, Quota.NONE));
        for (int i = 0; i < 3; i++) {
            assertThat(send("GET", "/v1/models", key).statusCode()).isEqualTo(200);
        }
        HttpResponse<String> answer = send("GET", "/v1/models", key);
        isProblem(answer, 429, "rate_limited");
        assertThat(Integer.parseInt(header(answer, "Retry-After"))).isBetween(1, 21);
        assertThat(send("GET", "/v1/models", goodKey()).statusCode()).isEqualTo(200);
    }

    @Test
    void aKeyKeepsToItsOpenJobs() {
        String key = kept(key(ALL, null, null, new Quota(2, null)));
        String slow = "{\"prompt\":\"a red apple\",\"steps\":50}";
        String first = submit(key, slow);
        submit(key, slow);
        HttpResponse<String> answer = post(key, slow);
        isProblem(answer, 429, "too_many_jobs");
        assertThat(Integer.parseInt(header(answer, "Retry-After"))).isPositive();
        send("DELETE", "/v1/jobs/" + first, key);
        await().atMost(LONG)
                .until(() -> at(send("GET", "/v1/jobs/" + first, key), "/state").equals("canceled"));
        submit(key, slow);
    }

    @Test
    void aKeyKeepsToItsPicturesOfTheDay() {
        String key = kept(key(ALL, null, null, new Quota(null, 3)));
        submit(key, "{\"prompt\":\"a red apple\",\"n\":2}");
        HttpResponse<String> answer = post(key, "{\"prompt\":\"a red apple\",\"n\":2}");
        isProblem(answer, 429, "daily_quota_exceeded");
        assertThat(Integer.parseInt(header(answer, "Retry-After"))).isBetween(1, 86401);
        submit(key, "{\"prompt\":\"a red apple\",\"n\":1}"); // what is refused does not count
        isProblem(post(key, "{\"prompt\":\"a red apple\"}"), 429, "daily_quota_exceeded");
    }

    @Test
    void onlySoManyStreamsAreOpen() throws IOException {
        String one = goodKey();
        String other = goodKey();
        String slow = "{\"prompt\":\"a red apple\",\"steps\":100}";
        String job = submit(one, slow);
        String others = submit(other, slow);
        List<InputStream> open = new ArrayList<>();
        Consumer<HttpRequest.Builder> stream = request -> {
            HttpResponse<InputStream> answer = send(request, HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.statusCode()).isEqualTo(200);
            open.add(answer.body());
        };
        stream.accept(request("GET", "/v1/jobs/" + job + "/events", one));
        stream.accept(request("GET", "/v1/jobs/" + job + "/events", one));
        isProblem(send("GET", "/v1/jobs/" + job + "/events", one), 429, "too_many_streams");
        stream.accept(request("GET", "/v1/jobs/" + others + "/events", other));
        isProblem(send("GET", "/v1/jobs/" + others + "/events", other), 503, "no_stream_free");
        for (InputStream body : open) {
            body.close();
        }
        send("DELETE", "/v1/jobs/" + job, one);
        send("DELETE", "/v1/jobs/" + others, other);
        await().atMost(LONG)
                .until(() ->
                        send("GET", "/v1/jobs/" + others + "/events", other).statusCode() == 200);
    }

    /** {@code PictureFileTests} measures what that costs. */
    @Test
    void aPictureOfTooManyPixelsIsRefused() throws IOException {
        byte[] bomb = Files.readAllBytes(Path.of("src/test/resources/pictures/bomb.png"));
        isProblem(
                send(request("POST", "/v1/images", goodKey())
                        .setHeader("Content-Type", "image/png")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(bomb))),
                422,
                "too_many_pixels");
    }

    // Headers

    @Test
    void answersSayWhatBrowsersMayDoWithThem() {
        String key = goodKey();
        for (HttpResponse<String> answer : List.of(
                send("GET", "/v1/models", key), send("GET", "/v1/models", null), send("GET", "/v1/nothing", key))) {
            assertThat(header(answer, "X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(header(answer, "Cache-Control")).contains("no-store");
            assertThat(header(answer, "Referrer-Policy")).isEqualTo("no-referrer");
            assertThat(header(answer, "Content-Security-Policy"))
                    .isEqualTo("default-src 'none'; frame-ancestors 'none'");
        }
        assertThat(header(send("GET", "/swagger-ui/index.html", null), "Content-Security-Policy"))
                .contains("default-src 'self'", "frame-ancestors 'none'");
        String job = submit(key, "{\"prompt\":\"a red apple\"}");
        send("GET", "/v1/jobs/" + job + "?wait_ms=60000", key);
        assertThat(header(send("GET", "/v1/jobs/" + job + "/images/0", key), "Cache-Control"))
                .contains("private", "immutable");
    }

    @Test
    void pagesOfOtherOriginsMayNotCall() {
        HttpResponse<String> preflight = send(request("OPTIONS", "/v1/images", null)
                .setHeader("X-Requested-Method", "POST")
                .setHeader("Accept", "*/*"));
        assertThat(preflight.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control-"));
        assertThat(preflight.statusCode()).isEqualTo(401);
    }

    // Logs

    @Test
    void theAuditLogSaysWhoDidWhat(CapturedOutput output) {
        String key = goodKey();
        String id = key.substring(3, 13);
        String job = submit(key, "{\"prompt\":\"a red apple\"}");
        send("DELETE", "/v1/jobs/" + job, goodKey());
        send("DELETE", "/v1/jobs/" + job, null);
        await().atMost(LONG)
                .untilAsserted(() -> assertThat(output.getOut())
                        .contains(
                                "who=key:" + id + " what=POST:/v1/images job=" + job + " outcome=202 address=127.0.0.1",
                                " what=DELETE:/v1/jobs/{id} job=" + job + " outcome=404:foreign address=127.0.0.1",
                                "who=- what=DELETE job=- outcome=401:unauthorized address=127.0.0.1"));
    }

    @Test
    void noLineOfTheAuditLogCanBeForged(CapturedOutput output) {
        submit(ISSUER.token("ann\nwho=key:forged what=x", SCOPES), "{\"prompt\":\"a red apple\"}");
        await().atMost(LONG)
                .untilAsserted(
                        () -> assertThat(output.getOut()).contains(" ann_who=key:forged_what=x what=POST".strip()));
        assertThat(output.getOut()).doesNotContain("\nwho=key:forged");
    }

    @Test
    void noPromptAndNoSecretIsInALogOrAnotherError(CapturedOutput output) {
        String planted = "PLANTED";
        String good = goodKey();
        String secret = good.substring(14);
        List<String> answers = new ArrayList<>();
        for (String json : List.of(
                "{\"prompt\":\"PLANTED\"}",
                "{\"prompt\":\"a\",\"negative_prompt\":\"PLANTED\"}",
                "{\"prompt\":\"PLANTED\",\"steps\":-1}",
                "{\"prompt\":\"PLANTED\",\"steps\":\"x\"}",
                "{\"prompt\":\"PLANTED\" PLANTED",
                "{\"prompt\":PLANTED}",
                "{\"prompt\":\"PLANTED",
                "{\"prompt\":\"PLANTED\\q\"}",
                "{\"prompt\":\"PLANTED\",\"prompt\":\"PLANTED\"}",
                "{\"prompt\":{\"PLANTED\":1}}",
                "{\"prompt\":[\"PLANTED\"]}",
                "[\"PLANTED\"]",
                "\"PLANTED\"",
                "PLANTED",
                "{\"prompt\":\"PLANTED " + "x".repeat(3000) + "\"}",
                "{\"prompt\":\"PLANTED " + "x".repeat(70_000) + "\"}")) {
            for (String path : List.of("/v1/images", "/v1/images/generations")) {
                answers.add(send(request("POST", path, good).POST(HttpRequest.BodyPublishers.ofString(json)))
                        .body());
            }
        }
        Stream.of(
                        "PLANTED",
                        "dk_" + planted,
                        good.replace(secret, "A".repeat(33) + "PLANTEDxyz"),
                        ISSUER.forged(planted, SCOPES))
                .forEach(bearer -> {
                    answers.add(send("GET", "/v1/models", bearer).body());
                    answers.add(send("GET", "/v1/models", null, "Authorization", "Basic " + bearer)
                            .body());
                    answers.add(
                            send("GET", "/v1/models", null, "X-API-Key", bearer).body());
                    answers.add(send("GET", "/v1/models?access_token=" + bearer, null)
                            .body());
                });
        // Where a client's own word comes back to it, it is in no log all the same.
        post(good, "{\"prompt\":\"a\",\"model\":\"PLANTED\"}");
        post(good, "{\"prompt\":\"a\",\"PLANTED\":1}");
        post(good, "{\"prompt\":\"a\",\"sampler\":\"PLANTED\"}");
        post(good, "{\"prompt\":\"a\"}", "Prefer", "PLANTED");
        post(good, "{\"prompt\":\"a\"}", "Accept", "PLANTED");
        post(good, "{\"prompt\":\"a\"}", "User-Agent", "PLANTED", "Cookie", "a=PLANTED", "Referer", "http://PLANTED");
        send("GET", "/v1/jobs/PLANTED", good);
        send("GET", "/v1/jobs/PLANTED", null);
        send("DELETE", "/v1/jobs/PLANTED?x=PLANTED", good);
        send("GET", "/v1/jobs/PLANTED/images/PLANTED", good);
        send("GET", "/v1/models/PLANTED", good);
        send("GET", "/v1/jobs/x?wait_ms=PLANTED", good);
        send("GET", "/PLANTED", good);
        send("GET", "/v1/%2e%2e/PLANTED;x=PLANTED", good);
        send("PLANTED", "/v1/images", good);
        String job = submit(good, "{\"prompt\":\"PLANTED\"}");
        assertThat(at(send("GET", "/v1/jobs/" + job + "?wait_ms=60000", good), "/state"))
                .isEqualTo("succeeded");

        assertThat(answers).noneMatch(answer -> answer.contains("\"code\"") && answer.contains(planted));
        assertThat(output.getAll()).contains("what=POST:/v1/images").doesNotContain(planted);
        assertThat(output.getAll()).doesNotContain(secret);
    }
}
