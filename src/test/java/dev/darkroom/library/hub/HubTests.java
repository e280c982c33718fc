package dev.darkroom.library.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.darkroom.library.hub.FakeHub.Answer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class HubTests {
    private static final Path TINY = Path.of("src/test/resources/tiny-sd");
    private static final ModelName MODEL = ModelName.of("org/name");
    private static final String UNET = "unet/diffusion_pytorch_model.safetensors";
    private static final String TOKEN = "hf_thisIsTheSecret";

    @TempDir
    private Path models;

    private final List<Duration> pauses = new CopyOnWriteArrayList<>();
    private FakeHub server;
    private long needed;

    @BeforeEach
    void serveTheTinyCheckpoint() throws IOException {
        server = FakeHub.of(TINY);
        needed = server.size();
        for (String other : List.of(
                "README.md",
                "v1-5-pruned.safetensors",
                "unet/diffusion_pytorch_model.bin",
                "unet/diffusion_pytorch_model.fp16.safetensors",
                "unet/model.onnx",
                "text_encoder/flax_model.msgpack",
                "safety_checker/model.safetensors",
                "feature_extractor/preprocessor_config.json")) {
            server.files.put(other, new byte[20_000]);
        }
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Hub hub(URI endpoint, Duration idle, long freeSpace) {
        Patience patience = new Patience(idle, Duration.ofMillis(1), 4, pauses::add);
        return new Hub(new HubClient(endpoint, TOKEN, Proxies.of(Map.of()), patience), patience, folder -> freeSpace);
    }

    private Path download() throws InterruptedException {
        return hub(server.address(), Duration.ofSeconds(5), Long.MAX_VALUE)
                .download(MODEL, models, (file, done, total) -> {});
    }

    private DownloadFailed failure() {
        DownloadFailed failure = catchThrowableOfType(DownloadFailed.class, this::download);
        assertThat(failure).as("the download fails").isNotNull();
        assertThat(models.resolve("org--name")).doesNotExist();
        return failure;
    }

    private void assertComplete() throws IOException {
        Path folder = models.resolve("org--name");
        assertThat(paths(folder)).isEqualTo(paths(TINY));
        for (String path : paths(TINY)) {
            assertThat(folder.resolve(path)).hasSameBinaryContentAs(TINY.resolve(path));
        }
        assertThat(models).isDirectoryContaining(folder::equals);
        try (Stream<Path> beside = Files.list(models)) {
            assertThat(beside).as("nothing but the model").containsExactly(folder);
        }
    }

    private static TreeSet<String> paths(Path folder) throws IOException {
        TreeSet<String> paths = new TreeSet<>();
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isRegularFile)
                    .forEach(
                            file -> paths.add(folder.relativize(file).toString().replace('\\', '/')));
        }
        return paths;
    }

    private void playOnUnet(UnaryOperator<Answer> trick) {
        server.trick = (request, honest) -> request.isFor(UNET) ? trick.apply(honest) : honest;
    }

    private byte[] unet() {
        return server.files.get(UNET);
    }

    // ---- what is fetched

    @Test
    void fetchesWhatIsReadAndNothingElse() throws Exception {
        assertThat(download()).isEqualTo(models.resolve("org--name"));
        assertComplete();
        assertThat(server.requests.get(0).path()).isEqualTo("/api/models/org/name/revision/main?blobs=true");
        assertThat(server.requests).hasSize(1 + paths(TINY).size());
        assertThat(server.requests).allMatch(request -> request.header("range").isEmpty());
        assertThat(pauses).isEmpty();
    }

    @Test
    void asksNobodyForAModelThatIsThere() throws Exception {
        Files.createDirectory(models.resolve("org--name"));
        assertThat(download()).isEqualTo(models.resolve("org--name"));
        assertThat(server.requests).isEmpty();
    }

    @Test
    void keepsRevisionsApart() throws Exception {
        Path folder = hub(server.address(), Duration.ofSeconds(5), Long.MAX_VALUE)
                .download(ModelName.of("org/name@refs/pr/1"), models, (file, done, total) -> {});
        assertThat(folder).isEqualTo(models.resolve("org--name@refs--pr--1")).exists();
        assertThat(server.requests.get(0).path()).isEqualTo("/api/models/org/name/revision/refs%2Fpr%2F1?blobs=true");
    }

    @Test
    void takesTheHalfPrecisionWeightsWhereThereAreNoOthers() throws Exception {
        server.files.put("unet/diffusion_pytorch_model.fp16.safetensors", server.files.remove(UNET));
        assertThat(paths(download()))
                .contains("unet/diffusion_pytorch_model.fp16.safetensors")
                .doesNotContain(UNET);
    }

    @Test
    void fetchesTheShardsThatTheIndexNames() throws Exception {
        byte[] unet = server.files.remove(UNET);
        server.files.remove("unet/diffusion_pytorch_model.fp16.safetensors");
        for (String shard : List.of("a-1", "a-2", "b")) {
            server.files.put("unet/" + shard + ".safetensors", unet);
        }
        server.files.put(
                UNET + ".index.json",
                "{\"weight_map\":{\"x\":\"a-1.safetensors\",\"y\":\"a-2.safetensors\",\"z\":\"a-1.safetensors\"}}"
                        .getBytes());
        assertThat(paths(download()))
                .contains(UNET + ".index.json", "unet/a-1.safetensors", "unet/a-2.safetensors")
                .doesNotContain("unet/b.safetensors");
    }

    @Test
    void refusesWeightsThatAreNotSafetensorsBeforeFetchingAny() throws Exception {
        server.files.remove(UNET);
        server.files.remove("unet/diffusion_pytorch_model.fp16.safetensors");
        assertThatThrownBy(this::download)
                .isInstanceOf(DownloadFailed.class)
                .hasMessageStartingWith("org/name is not a model that Darkroom reads: ")
                .hasMessageContaining("only diffusion_pytorch_model.bin; convert the checkpoint to safetensors");
        assertThat(server.requests).hasSize(2);
        assertThat(models).isEmptyDirectory();
    }

    @Test
    void refusesAPipelineItCannotDrawWithBeforeFetchingItsWeights() {
        server.files.put("model_index.json", "{\"_class_name\":\"FluxPipeline\"}".getBytes());
        assertThatThrownBy(this::download)
                .isInstanceOf(DownloadFailed.class)
                .hasMessageStartingWith("org/name is not a model that Darkroom reads: ")
                .hasMessageContaining("FluxPipeline");
        assertThat(server.requests).hasSize(2);
        assertThat(models).isEmptyDirectory();
    }

    @Test
    void tellsHowFarItIs() throws Exception {
        List<Long> reports = new ArrayList<>();
        AtomicBoolean cut = new AtomicBoolean();
        playOnUnet(honest -> cut.getAndSet(true) ? honest : honest.cutAfter(1_000_000));
        hub(server.address(), Duration.ofSeconds(5), Long.MAX_VALUE).download(MODEL, models, (file, done, total) -> {
            assertThat(total).isEqualTo(needed);
            reports.add(done);
        });
        assertThat(reports).isSorted().endsWith(needed).hasSizeGreaterThan(100);
    }

    @Test
    void doesNotBeginWhatTheDiskCannotHold() {
        Hub hub = hub(server.address(), Duration.ofSeconds(5), needed / 2);
        assertThatThrownBy(() -> hub.download(MODEL, models, (file, done, total) -> {}))
                .isInstanceOf(DownloadFailed.class)
                .hasMessageContaining("the disk of " + models + " is too small: org/name needs")
                .hasMessageContaining(needed / 2 + " are free");
        assertThat(server.requests).hasSize(2);
    }

    // ---- a bad line

    @Test
    void goesOnWhereConnectionsAreCutAtRandom() throws Exception {
        Random random = new Random(7);
        server.trick = (request, honest) ->
                request.path().startsWith("/api") ? honest : honest.cutAfter(random.nextInt(150_000));
        download();
        assertComplete();
        assertThat(server.requests.stream()
                        .filter(request -> request.from() > 0)
                        .count())
                .isGreaterThan(20);
        assertThat(server.served.get()).isLessThan(needed + 200_000);
    }

    @Test
    void goesOnAfterASilence() throws Exception {
        AtomicBoolean stalled = new AtomicBoolean();
        playOnUnet(honest ->
                stalled.getAndSet(true) ? honest : honest.cutAfter(1_000_000).stalling());
        hub(server.address(), Duration.ofMillis(700), Long.MAX_VALUE)
                .download(MODEL, models, (file, done, total) -> {});
        assertComplete();
        assertThat(server.requests).anyMatch(request -> request.isFor(UNET) && request.from() == 1_000_000);
    }

    @Test
    void givesUpAServerThatStaysSilent() {
        server.trick = (request, honest) -> {
            new CountDownLatch(1).await();
            return honest;
        };
        Hub hub = hub(server.address(), Duration.ofMillis(100), Long.MAX_VALUE);
        assertThatThrownBy(() -> hub.download(MODEL, models, (file, done, total) -> {}))
                .isInstanceOf(DownloadFailed.class)
                .hasMessage("org/name: 127.0.0.1 did not answer within 100 ms; given up after 4 attempts");
    }

    @Test
    void givesUpWhenAttemptsBringNothing() {
        playOnUnet(honest -> honest.cutAfter(0));
        assertThat(failure())
                .hasMessageStartingWith("org/name: " + UNET + ": ")
                .hasMessageContaining("connection") // broke before or after its headers were read
                .hasMessageEndingWith("given up after 4 attempts");
        assertThat(pauses).containsExactly(Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(4));
    }

    @Test
    void keepsWhatHasArrivedForTheNextAttempt() throws Exception {
        AtomicInteger answers = new AtomicInteger();
        playOnUnet(honest -> honest.cutAfter(answers.getAndIncrement() == 0 ? 2_000_000 : 0));
        failure();
        long before = server.served.get();
        server.trick = (request, honest) -> honest;
        download();
        assertComplete();
        assertThat(server.served.get() - before).isLessThan(needed - 2_000_000);
    }

    @Test
    void cannotReachAHubThatIsNotThere() throws IOException {
        server.close();
        assertThat(failure()).hasMessageContaining("no connection to 127.0.0.1").hasMessageContaining("4 attempts");
    }

    // ---- a server that lies

    @Test
    void beginsAgainWhenTheServerKnowsNoRanges() throws Exception {
        AtomicInteger answers = new AtomicInteger();
        playOnUnet(honest -> {
            Answer whole = Answer.of(200, unet());
            return answers.getAndIncrement() == 0 ? whole.cutAfter(1_000_000) : whole;
        });
        download();
        assertComplete();
        assertThat(answers).hasValue(2);
    }

    @Test
    void beginsAgainWhenTheFileHasChangedInBetween() throws Exception {
        AtomicInteger answers = new AtomicInteger();
        byte[] other = unet().clone();
        Arrays.fill(other, (byte) 1);
        playOnUnet(honest -> answers.getAndIncrement() == 0
                ? honest.withBody(other).with("ETag", "\"other\"").cutAfter(1_000_000)
                : honest);
        download();
        assertComplete();
        assertThat(server.requests)
                .anyMatch(request ->
                        request.isFor(UNET) && request.header("if-range").equals("\"other\""));
        assertThat(answers).hasValue(2);
    }

    @Test
    void noticesByTheHashThatTheFileHasChangedInBetween() throws Exception {
        AtomicInteger answers = new AtomicInteger();
        byte[] other = unet().clone();
        Arrays.fill(other, (byte) 1);
        playOnUnet(honest -> answers.getAndIncrement() == 0
                ? honest.withBody(other).with("ETag", "W/\"weak\"").cutAfter(1_000_000)
                : honest);
        download();
        assertComplete();
        assertThat(answers).hasValue(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {UNET, "unet/config.json"})
    void refusesContentThatHasTwiceTheWrongHash(String file) {
        byte[] wrong = server.files.get(file).clone();
        wrong[wrong.length / 2] ^= 1;
        server.trick = (request, honest) -> request.isFor(file) ? honest.withBody(wrong) : honest;
        assertThat(failure())
                .hasMessageStartingWith("org/name: " + file + " has twice come with another hash than listed");
        assertThat(server.requests).filteredOn(request -> request.isFor(file)).hasSize(2);
        assertThat(models.resolve(".download-org--name").resolve(FakeHub.COMMIT).resolve(file + ".part"))
                .doesNotExist();
    }

    @Test
    void refusesALengthThatIsTooSmall() {
        playOnUnet(honest -> honest.announcing(1000));
        assertThat(failure()).hasMessageContaining("announces 1000 bytes where " + unet().length + " are missing");
    }

    @Test
    void refusesALengthThatIsTooLarge() {
        playOnUnet(honest -> honest.announcing(1L << 50));
        assertThat(failure()).hasMessageContaining("announces " + (1L << 50) + " bytes where");
    }

    @Test
    void refusesMoreBytesThanListed() {
        playOnUnet(honest ->
                honest.withBody(Arrays.copyOf(unet(), unet().length + 100_000)).announcing(-1));
        assertThat(failure()).hasMessageContaining("sends more than the " + unet().length + " bytes it lists");
    }

    @Test
    void refusesFewerBytesThanListed() {
        playOnUnet(honest -> Answer.of(200, Arrays.copyOf(unet(), 1000)).announcing(-1));
        assertThat(failure()).hasMessageContaining("ended after 1000 of " + unet().length + " bytes");
    }

    @Test
    void refusesAnotherPartThanAskedFor() {
        AtomicInteger answers = new AtomicInteger();
        playOnUnet(honest -> answers.getAndIncrement() == 0
                ? honest.cutAfter(1000)
                : honest.with("Content-Range", "bytes 999-" + (unet().length - 1) + "/" + unet().length));
        assertThat(failure()).hasMessageContaining("another part than bytes 1000-");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../outside.json",
                "unet/../../outside.json",
                "/etc/outside.json",
                "unet\\..\\outside.json",
                "C:outside.json",
                "unet//config.json",
                "unet/./config.json",
                "unet/con\nfig.json",
                "unet/con\u0000fig.json",
                "unet/..",
                ""
            })
    void refusesAListingWithUnsafeNames(String name) throws IOException {
        server.files.put(name, new byte[10]);
        assertThat(failure()).hasMessageContaining("unsafe name");
        assertThat(models.resolve("../outside.json")).doesNotExist();
        assertThat(server.requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../outside.safetensors", "/tmp/outside.safetensors", "a\\..\\..\\b.safetensors"})
    void refusesAnIndexWithUnsafeNames(String shard) {
        server.files.remove(UNET);
        server.files.remove("unet/diffusion_pytorch_model.fp16.safetensors");
        server.files.put(
                UNET + ".index.json", ("{\"weight_map\":{\"x\":\"" + shard.replace("\\", "\\\\") + "\"}}").getBytes());
        assertThatThrownBy(this::download)
                .isInstanceOf(DownloadFailed.class)
                .hasMessageStartingWith("org/name is not a model that Darkroom reads: ")
                .hasMessageContaining("expected a file name in the index's folder");
        assertThat(models).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"sha":"../../etc","siblings":[]}           | no commit
            {"sha":"%s"}                                | no files
            {"sha":"%s","siblings":[]}                  | no file model_index.json
            {"sha":"%s","siblings":[{"rfilename":"model_index.json","size":10}]}                     | model_index.json without its size or hash
            {"sha":"%s","siblings":[{"rfilename":"model_index.json","size":-1,"blobId":"%1$s"}]}     | model_index.json without its size or hash
            {"sha":"%s","siblings":[{"rfilename":"model_index.json","size":9e18,"blobId":"%1$s"}]}   | model_index.json
            {"sha":"%s","siblings":[{"rfilename":"model_index.json","size":20000000,"blobId":"%1$s"}]} | model_index.json has 20000000 bytes
            [1, 2                                       | not JSON
            """)
    void refusesAListingThatIsNone(String listing, String message) {
        server.trick = (request, honest) ->
                honest.withBody(listing.formatted(FakeHub.COMMIT).getBytes());
        assertThat(failure()).hasMessageContaining(message);
    }

    @Test
    void refusesAListingWithoutEnd() {
        server.trick = (request, honest) -> honest.withBody(new byte[17 << 20]);
        assertThat(failure()).hasMessageContaining("listing of the model is longer than");
    }

    // ---- refusals

    @ParameterizedTest
    @CsvSource({
        "401, RepoNotFound, no access to org/name",
        "403, GatedRepo, no access to org/name",
        "404, RevisionNotFound, there is no org/name",
        "418, Teapot, answer is not understood"
    })
    void doesNotInsistWhenItIsRefused(int status, String code, String message) {
        server.trick = (request, honest) -> Answer.of(status, new byte[0]).with("X-Error-Code", code);
        assertThat(failure())
                .hasMessageContaining(message)
                .hasMessageContaining("127.0.0.1 answered " + status + " " + code);
        assertThat(server.requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 502, 503, 504})
    void asksAgainLaterWhenTheServerIsBusy(int status) throws Exception {
        AtomicInteger answers = new AtomicInteger();
        server.trick = (request, honest) -> answers.getAndIncrement() % 2 == 0
                ? Answer.of(status, new byte[0]).with("Retry-After", "7")
                : honest;
        download();
        assertComplete();
        assertThat(pauses).hasSize(1 + paths(TINY).size()).containsOnly(Duration.ofSeconds(7));
    }

    @Test
    void waitsNoLongerThanFiveMinutes() {
        server.trick = (request, honest) -> Answer.of(429, new byte[0]).with("Retry-After", "999999");
        assertThat(failure()).hasMessageContaining("429");
        assertThat(pauses).hasSize(3).containsOnly(Duration.ofMinutes(5));
    }

    // ---- redirects and the token

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void followsToAnotherHostWithoutTheToken(int status) throws Exception {
        try (FakeHub other = new FakeHub()) {
            other.trick = (request, honest) -> {
                byte[] unet = unet();
                return request.from() < 0
                        ? Answer.of(200, unet).cutAfter(1_000_000)
                        : Answer.of(206, Arrays.copyOfRange(unet, request.from(), unet.length))
                                .with(
                                        "Content-Range",
                                        "bytes " + request.from() + "-" + (unet.length - 1) + "/" + unet.length);
            };
            playOnUnet(honest -> Answer.redirect(status, other.address() + "/cdn/x?signature=abc"));
            download();
            assertComplete();
            assertThat(server.requests)
                    .allMatch(request -> request.header("authorization").equals("Bearer " + TOKEN));
            assertThat(other.requests)
                    .hasSize(2)
                    .allMatch(request -> request.header("authorization").isEmpty());
            assertThat(other.requests.get(1).from()).isEqualTo(1_000_000);
        }
    }

    @Test
    void followsARenamedModelWithTheToken() throws Exception {
        server.trick = (request, honest) -> request.path().startsWith("/api/models/org/name/revision/main")
                ? Answer.redirect(307, "/api/models/org/name/revision/moved?blobs=true")
                : honest;
        download();
        assertComplete();
        assertThat(server.requests)
                .allMatch(request -> request.header("authorization").equals("Bearer " + TOKEN));
    }

    @Test
    void endsARedirectLoop() {
        server.trick = (request, honest) -> request.isFor(UNET) ? Answer.redirect(302, request.path()) : honest;
        assertThat(failure()).hasMessageContaining("redirects more than 10 times");
        assertThat(server.requests)
                .filteredOn(request -> request.path().contains(UNET))
                .hasSize(11);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://host/x", "http:", "http://a b", "jar:file:/x!/y"})
    void doesNotFollowToAnythingButHttp(String location) {
        playOnUnet(honest -> Answer.redirect(302, location));
        assertThat(failure()).hasMessageContaining("redirects");
    }

    @Test
    void neverTellsTheToken() throws Exception {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Level before = root.getLevel();
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        root.setLevel(Level.TRACE);
        root.addAppender(log);
        StringWriter failures = new StringWriter();
        try {
            List<Answer> answers = List.of(
                    Answer.of(401, ("token " + TOKEN).getBytes()).with("X-Error-Code", TOKEN),
                    Answer.of(403, new byte[0]).with("X-Error-Message", TOKEN),
                    Answer.of(503, TOKEN.getBytes()).with("X-Error-Code", TOKEN),
                    Answer.redirect(302, "http://" + TOKEN + ".invalid/" + TOKEN),
                    Answer.redirect(302, "https://u:" + TOKEN + "@[::bad/"),
                    Answer.of(206, new byte[1]).with("Content-Range", TOKEN));
            for (Answer answer : answers) {
                playOnUnet(honest -> answer);
                failure().printStackTrace(new PrintWriter(failures));
            }
            for (String token : List.of(TOKEN + "\n" + TOKEN, TOKEN + "é", TOKEN + " " + TOKEN)) {
                Throwable refused =
                        catchThrowableOfType(IllegalArgumentException.class, () -> Hub.of(Map.of("HF_TOKEN", token)));
                refused.printStackTrace(new PrintWriter(failures));
            }
        } finally {
            root.detachAppender(log);
            root.setLevel(before);
        }
        assertThat(server.requests.get(0).header("authorization")).contains(TOKEN);
        assertThat(failures.toString()).contains("no access").doesNotContain(TOKEN);
        assertThat(log.list)
                .isNotEmpty()
                .noneMatch(event -> event.getFormattedMessage().contains(TOKEN));
    }

    @Test
    void takesAddressAndTokenFromTheEnvironment() throws Exception {
        Hub.of(Map.of("HF_ENDPOINT", server.address() + "/", "HUGGING_FACE_HUB_TOKEN", " old "))
                .download(MODEL, models, (file, done, total) -> {});
        assertComplete();
        assertThat(server.requests)
                .allMatch(request -> request.header("authorization").equals("Bearer old"));
        assertThat(server.requests.get(0).path()).startsWith("/api/");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ftp://hub", "hub", "http://user:secret@hub", "http://hub?x=secret", "http://a:b:c"})
    void refusesAnAddressThatIsNone(String address) {
        assertThatThrownBy(() -> Hub.of(Map.of("HF_ENDPOINT", address)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("HF_ENDPOINT")
                .hasMessageNotContaining("secret");
    }

    // ---- processes

    @Test
    void goesOnAfterKillMinus9() throws Exception {
        SplittableRandom random = new SplittableRandom(3);
        for (int kill = 0; kill < 3; kill++) {
            int at = (kill + 1) * 700_000 + random.nextInt(100_000);
            server.trick = (request, honest) -> request.isFor(UNET)
                    ? honest.cutAfter(at - Math.max(0, request.from())).stalling()
                    : honest;
            Process process = process();
            Path part = models.resolve(".download-org--name")
                    .resolve(FakeHub.COMMIT)
                    .resolve(UNET + ".part");
            await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(part) && Files.size(part) == at);
            assertThat(process.destroyForcibly().waitFor()).isEqualTo(128 + 9);
            assertThat(models.resolve("org--name")).doesNotExist();
        }
        server.trick = (request, honest) -> honest;
        assertThat(process().waitFor()).isZero();
        assertComplete();
        long listings = server.requests.stream()
                .filter(request -> request.path().startsWith("/api"))
                .count();
        assertThat(listings).isEqualTo(4);
        assertThat(server.served.get()).isLessThan(needed + listings * 10_000);
    }

    @Test
    void twoThatWantTheSameFetchItOnce() throws Exception {
        CompletableFuture<Path> here = CompletableFuture.supplyAsync(this::downloadPatiently);
        CompletableFuture<Path> too = CompletableFuture.supplyAsync(this::downloadPatiently);
        List<Process> there = List.of(process(), process());
        for (Process process : there) {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        }
        assertThat(here.get(60, TimeUnit.SECONDS)).isEqualTo(too.get());
        assertComplete();
        assertThat(server.requests).hasSize(1 + paths(TINY).size());
    }

    private Path downloadPatiently() {
        try {
            return Hub.of(Map.of("HF_ENDPOINT", server.address().toString()))
                    .download(MODEL, models, (file, done, total) -> {});
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Process process() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        DownloadProcess.class.getName(),
                        server.address().toString(),
                        models.toString())
                .inheritIO()
                .start();
    }

    @Test
    void letsItselfBeInterrupted() throws Exception {
        playOnUnet(honest -> honest.cutAfter(1000).stalling());
        Thread thread = new Thread(
                () -> assertThatThrownBy(this::downloadPatiently).hasCauseInstanceOf(InterruptedException.class));
        thread.start();
        await().until(() -> server.requests.stream().anyMatch(request -> request.isFor(UNET)));
        thread.interrupt();
        thread.join(5000);
        assertThat(thread.isAlive()).isFalse();
    }

    // ---- proxies

    /** The hub's name is known to the proxy only. */
    @ParameterizedTest
    @ValueSource(strings = {"HTTP_PROXY", "http_proxy", "ALL_PROXY"})
    void asksTheProxyOfTheEnvironment(String variable) throws Exception {
        String proxy = "http://me:p%40ss+word@" + server.address().getAuthority();
        Hub.of(Map.of("HF_ENDPOINT", "http://hub.invalid", variable, proxy))
                .download(MODEL, models, (file, done, total) -> {});
        assertComplete();
        String user = "Basic " + Base64.getEncoder().encodeToString("me:p@ss+word".getBytes(StandardCharsets.UTF_8));
        assertThat(server.requests)
                .allMatch(request -> request.path().startsWith("http://hub.invalid/"))
                .allMatch(request -> request.header("proxy-authorization").equals(user));
    }

    /** In a process of its own: the JDK reads once whether a password may be sent to a proxy that makes a tunnel. */
    @Test
    void opensTunnelsThroughTheProxyWithItsPassword() throws Exception {
        server.trick = (request, honest) -> Answer.of(407, new byte[0]);
        ProcessBuilder process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                DownloadProcess.class.getName(),
                "https://hub.invalid",
                models.toString());
        process.environment().put("https_proxy", "me:secret@" + server.address().getAuthority());
        process.environment().remove("no_proxy");
        process.environment().remove("NO_PROXY");
        Process started = process.redirectErrorStream(true).start();
        try {
            await().atMost(Duration.ofSeconds(30)).until(() -> !server.requests.isEmpty());
        } finally {
            started.destroyForcibly().waitFor();
        }
        assertThat(server.requests.get(0).path()).isEqualTo("hub.invalid:443");
        assertThat(server.requests.get(0).header("proxy-authorization"))
                .isEqualTo("Basic " + Base64.getEncoder().encodeToString("me:secret".getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            hub.example.com               | hub.example.com | true
            hub.example.com               | example.com     | true
            hub.example.com               | .example.com    | true
            hub.example.com               | *.example.com   | true
            hub.example.com               | other, *        | true
            hub.example.com:8443          | example.com:8443 | true
            10.1.2.3                      | 10.0.0.0/8      | true
            hub.example.com               | ample.com       | false
            hub.example.com               | hub.example.com:80 | false
            11.1.2.3                      | 10.0.0.0/8      | false
            """)
    void asksHostsInNoProxyDirectly(String host, String noProxy, boolean direct) {
        Proxies proxies = Proxies.of(Map.of("HTTPS_PROXY", "http://proxy:3128", "NO_PROXY", noProxy));
        List<Proxy> chosen = proxies.select(URI.create("https://" + host + "/api"));
        assertThat(chosen).hasSize(1);
        assertThat(chosen.get(0) == Proxy.NO_PROXY).isEqualTo(direct);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "socks5://me:secret@proxy:1080",
                "https://me:secret@proxy",
                "http://me:secret@",
                "http://proxy:99999"
            })
    void refusesProxiesItCannotSpeakToWithoutRepeatingTheirPassword(String proxy) {
        assertThatThrownBy(() -> Hub.of(Map.of("HTTPS_PROXY", proxy)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("HTTPS_PROXY must")
                .message()
                .doesNotContain("secret");
    }

    @Test
    void saysWhichProxyIsNotThere() {
        Patience patience = new Patience(Duration.ofSeconds(5), Duration.ofMillis(1), 1, pauses::add);
        Proxies proxies = Proxies.of(Map.of("HTTP_PROXY", "127.0.0.1:1"));
        Hub hub = new Hub(
                new HubClient(URI.create("http://hub.invalid"), null, proxies, patience), patience, f -> 1L << 40);
        assertThatThrownBy(() -> hub.download(MODEL, models, (file, done, total) -> {}))
                .isInstanceOf(DownloadFailed.class)
                .hasStackTraceContaining("no connection to hub.invalid by the proxy 127.0.0.1:1");
    }

    // ---- hashes

    @Test
    void knowsGitsBlobIdsAndSha256() throws IOException {
        Path file = Files.writeString(models.resolve("hello"), "hello");
        // printf hello | git hash-object --stdin; printf hello | sha256sum
        assertThat(new RemoteFile("hello", 5, false, "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0").isContentOf(file))
                .isTrue();
        String sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assertThat(new RemoteFile("hello", 5, true, sha256).isContentOf(file)).isTrue();
        assertThat(new RemoteFile("hello", 5, true, sha256.replace('2', '3')).isContentOf(file))
                .isFalse();
    }
}
