package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.fleet.Models;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** Pictures in every form, downloaded and posted back. */
class PicturesTests extends ServerTest {

    private static final Path FILES = Path.of("src/test/resources/pictures");

    @Autowired
    private Models models;

    private HttpResponse<byte[]> bytes(String path, String... headers) {
        return send(request(path, headers).GET(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private HttpResponse<byte[]> draw(String json, String... headers) {
        return send(posting(json, headers), HttpResponse.BodyHandlers.ofByteArray());
    }

    private HttpResponse<byte[]> again(byte[] file, String type, String... headers) {
        return send(
                request("/v1/images", headers)
                        .header("Content-Type", type)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(file)),
                HttpResponse.BodyHandlers.ofByteArray());
    }

    private static JsonNode json(HttpResponse<byte[]> answer) {
        return json(new String(answer.body(), java.nio.charset.StandardCharsets.UTF_8));
    }

    private static PictureFile file(HttpResponse<byte[]> answer) throws IOException {
        assertThat(answer.statusCode()).as(new String(answer.body())).isLessThan(300);
        return PictureFile.read(new ByteArrayInputStream(answer.body()));
    }

    private JsonNode drawn(String json) {
        JsonNode job = body(post(json, "Prefer", "wait=60"));
        assertThat(job.get("state").stringValue()).isEqualTo("succeeded");
        return job;
    }

    private static void assertProblem(HttpResponse<byte[]> answer, int status, String code) {
        String body = new String(answer.body(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(answer.statusCode()).as(body).isEqualTo(status);
        assertThat(header(answer, "Content-Type")).startsWith("application/problem+json");
        assertThat(json(answer).get("code").stringValue()).as(body).isEqualTo(code);
    }

    // Formats

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
                    png  | -                                                        | image/png
                    png  | */*                                                      | image/png
                    png  | image/avif,image/webp,image/apng,image/*,*/*;q=0.8       | image/png
                    png  | image/webp                                               | image/webp
                    png  | image/jpeg;q=0.9, image/webp;q=0.8                       | image/jpeg
                    jpeg | -                                                        | image/jpeg
                    jpeg | image/*                                                  | image/jpeg
                    jpeg | image/png                                                | image/png
                    webp | */*                                                      | image/webp
                    webp | image/*, image/webp;q=0                                  | image/png
                    """)
    void givesWhatAcceptPrefersAndOutputFormatOtherwise(String format, @Nullable String accept, String type)
            throws IOException {
        JsonNode image = drawn(
                        "{\"prompt\":\"a red apple\",\"steps\":1,\"seed\":4,\"output_format\":\"" + format + "\"}")
                .get("images")
                .get(0);
        assertThat(image.get("media_type").stringValue()).isEqualTo("image/" + format);
        assertThat(image.has("sha256")).isEqualTo(format.equals("png"));
        HttpResponse<byte[]> answer = accept == null
                ? bytes(image.get("url").stringValue())
                : bytes(image.get("url").stringValue(), "Accept", accept);
        assertThat(header(answer, "Content-Type")).isEqualTo(type);
        assertThat(header(answer, "Vary")).contains("Accept");
        assertThat(header(answer, "Content-Disposition"))
                .isEqualTo("inline; filename=\"a-red-apple-4." + (type.endsWith("jpeg") ? "jpg" : type.substring(6))
                        + "\"");
        assertThat(header(answer, "Content-Length")).isEqualTo("" + answer.body().length);
        assertThat("image/" + file(answer).format().id()).isEqualTo(type);
        assertThat(file(answer).recipe().orElseThrow().request()).containsEntry("seed", 4);
    }

    @Test
    void refusesADownloadInAFormatThatThereIsNot() {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1}").at("/images/0/url").stringValue();
        HttpResponse<byte[]> answer = bytes(url, "Accept", "image/gif, text/html");
        assertProblem(answer, 406, "not_acceptable");
        assertThat(json(answer).get("detail").stringValue()).contains("image/png, image/jpeg, image/webp");
        assertProblem(bytes(url, "Accept", "picture"), 406, "not_acceptable");
    }

    @Test
    void heedsTheCompression() throws IOException {
        int before = 0;
        for (int compression : new int[] {5, 50, 95}) {
            HttpResponse<byte[]> answer = draw(
                    "{\"prompt\":\"a\",\"steps\":2,\"seed\":1,\"output_format\":\"jpeg\",\"output_compression\":"
                            + compression + "}",
                    "Accept",
                    "image/jpeg");
            assertThat(file(answer).recipe().orElseThrow().request()).containsEntry("output_compression", compression);
            assertThat(answer.body().length).isGreaterThan(before);
            before = answer.body().length;
        }
    }

    @Test
    void losslessWebpHasThePixelsOfThePng() {
        String url = drawn("{\"prompt\":\"a\",\"steps\":2,\"output_format\":\"webp\",\"output_compression\":100}")
                .at("/images/0/url")
                .stringValue();
        assertThat(PictureFile.decode(bytes(url).body()).rgb())
                .isEqualTo(PictureFile.decode(bytes(url, "Accept", "image/png").body())
                        .rgb());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "output_format":"gif"                              | output_format      | unknown_output_format
                    "output_format":"jpeg","output_compression":101    | output_compression | out_of_range
                    "output_format":"webp","output_compression":-1     | output_compression | out_of_range
                    "output_compression":80                            | output_compression | not_for_this_format
                    """)
    void refusesOutputsThatThereAreNot(String fields, String field, String code) {
        JsonNode problem = body(post("{\"prompt\":\"a\"," + fields + "}"));
        assertThat(problem.get("errors")).hasSize(1);
        assertThat(problem.at("/errors/0/field").stringValue()).isEqualTo(field);
        assertThat(problem.at("/errors/0/code").stringValue()).isEqualTo(code);
    }

    // Caching and parts

    @ParameterizedTest
    @ValueSource(strings = {"image/png", "image/jpeg", "image/webp"})
    void everyFormatHasItsOwnTagAndNeedsNoSecondTransfer(String type) {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1,\"seed\":8}")
                .at("/images/0/url")
                .stringValue();
        HttpResponse<byte[]> first = bytes(url, "Accept", type);
        String tag = header(first, "ETag");
        assertThat(tag).matches("\"[0-9a-f]{32,64}\"");
        assertThat(header(first, "Cache-Control")).contains("immutable", "max-age=31536000", "private");
        assertThat(bytes(url, "Accept", type).body()).isEqualTo(first.body());
        for (String known : new String[] {tag, "W/" + tag, "\"other\", " + tag, "*"}) {
            HttpResponse<byte[]> second = bytes(url, "Accept", type, "If-None-Match", known);
            assertThat(second.statusCode()).as(known).isEqualTo(304);
            assertThat(second.body()).isEmpty();
            assertThat(header(second, "ETag")).isEqualTo(tag);
            assertThat(header(second, "Vary")).contains("Accept");
        }
        assertThat(bytes(url, "Accept", type, "If-None-Match", "\"other\"").statusCode())
                .isEqualTo(200);
        for (String other : new String[] {"image/png", "image/jpeg", "image/webp"}) {
            if (!other.equals(type)) {
                assertThat(header(bytes(url, "Accept", other), "ETag")).isNotEqualTo(tag);
                assertThat(bytes(url, "Accept", other, "If-None-Match", tag).statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/png", "image/webp"})
    void givesOneRangeOfAnyFormat(String type) {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1,\"seed\":8}")
                .at("/images/0/url")
                .stringValue();
        byte[] whole = bytes(url, "Accept", type).body();
        int length = whole.length;
        Map<String, int[]> ranges = new LinkedHashMap<>();
        ranges.put("bytes=0-99", new int[] {0, 100});
        ranges.put("bytes=100-", new int[] {100, length});
        ranges.put("bytes=-100", new int[] {length - 100, length});
        ranges.put("bytes=50-99999999", new int[] {50, length});
        ranges.put("bytes=-99999999", new int[] {0, length});
        ranges.forEach((range, part) -> {
            HttpResponse<byte[]> answer = bytes(url, "Accept", type, "Range", range);
            assertThat(answer.statusCode()).as(range).isEqualTo(206);
            assertThat(answer.body()).isEqualTo(Arrays.copyOfRange(whole, part[0], part[1]));
            assertThat(header(answer, "Content-Range"))
                    .isEqualTo("bytes " + part[0] + "-" + (part[1] - 1) + "/" + length);
            assertThat(header(answer, "Content-Type")).isEqualTo(type);
        });
    }

    @Test
    void refusesRangesBehindTheEndAndThoseThatAreNone() {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1}").at("/images/0/url").stringValue();
        int length = bytes(url).body().length;
        for (String range : new String[] {"bytes=" + length + "-", "bytes=9-5", "bytes=a-b", "bytes=", "bytes=-"}) {
            HttpResponse<byte[]> answer = bytes(url, "Range", range);
            assertProblem(answer, 416, "range_not_satisfiable");
            assertThat(header(answer, "Content-Range")).isEqualTo("bytes */" + length);
        }
        for (String range : new String[] {"bytes=0-1,5-9", "lines=1-2"}) {
            HttpResponse<byte[]> answer = bytes(url, "Range", range);
            assertThat(answer.statusCode()).as(range).isEqualTo(200);
            assertThat(answer.body()).hasSize(length);
        }
    }

    @Test
    void continuesADownloadOnlyOfTheSameFile() {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1}").at("/images/0/url").stringValue();
        HttpResponse<byte[]> whole = bytes(url);
        String tag = header(whole, "ETag");
        assertThat(bytes(url, "Range", "bytes=10-", "If-Range", tag).statusCode())
                .isEqualTo(206);
        for (String other : new String[] {"\"other\"", "W/" + tag, "Wed, 21 Oct 2015 07:28:00 GMT"}) {
            HttpResponse<byte[]> answer = bytes(url, "Range", "bytes=10-", "If-Range", other);
            assertThat(answer.statusCode()).as(other).isEqualTo(200);
            assertThat(answer.body()).isEqualTo(whole.body());
        }
    }

    @Test
    void answersHeadLikeGetWithoutTheBytes() {
        String url = drawn("{\"prompt\":\"a\",\"steps\":1}").at("/images/0/url").stringValue();
        for (String type : new String[] {"image/png", "image/webp"}) {
            HttpResponse<byte[]> get = bytes(url, "Accept", type);
            HttpResponse<byte[]> head = send(
                    request(url, "Accept", type, "Range", "bytes=0-9")
                            .method("HEAD", HttpRequest.BodyPublishers.noBody()),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(head.body()).isEmpty();
            for (String name : new String[] {"Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Vary"}) {
                assertThat(header(head, name))
                        .as(name)
                        .isEqualTo(header(get, name))
                        .isNotEmpty();
            }
        }
    }

    // Several pictures

    @Test
    void givesAZipOfAllPictures() throws IOException {
        HttpResponse<byte[]> answer = draw(
                "{\"prompt\":\"Ein roter Apfel!\",\"steps\":1,\"seed\":7,\"n\":3,\"output_format\":\"webp\"}",
                "Accept",
                "application/zip");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "Content-Type")).isEqualTo("application/zip");
        assertThat(header(answer, "Content-Disposition")).isEqualTo("inline; filename=\"ein-roter-apfel-7.zip\"");
        Map<String, byte[]> files = unzip(answer.body());
        assertThat(files.keySet())
                .containsExactly("ein-roter-apfel-7.webp", "ein-roter-apfel-8.webp", "ein-roter-apfel-9.webp");
        String job = header(answer, "Location");
        assertThat(files.get("ein-roter-apfel-8.webp"))
                .isEqualTo(bytes(job + "/images/1").body());

        assertThat(header(answer, "Content-Location")).isEqualTo(job + "/images");
        HttpResponse<byte[]> later = bytes(job + "/images");
        assertThat(later.body()).isEqualTo(answer.body());
        assertThat(header(later, "Accept-Ranges")).isEqualTo("none");
        assertThat(bytes(job + "/images", "If-None-Match", header(later, "ETag"))
                        .statusCode())
                .isEqualTo(304);
    }

    private static Map<String, byte[]> unzip(byte[] zip) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                files.put(entry.getName(), in.readAllBytes());
            }
        }
        return files;
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/png", "image/jpeg", "image/webp"})
    void givesAContactSheetWhereSeveralPicturesShallBeOne(String type) throws IOException {
        ModelInfo model = models.all().get(0);
        HttpResponse<byte[]> answer =
                draw("{\"prompt\":\"a red apple\",\"steps\":1,\"seed\":7,\"n\":3}", "Accept", type);
        PictureFile sheet = file(answer);
        assertThat("image/" + sheet.format().id()).isEqualTo(type);
        assertThat(sheet.width()).isEqualTo(2 * model.width() + 8);
        assertThat(sheet.height()).isEqualTo(2 * model.height() + 8);
        assertThat(sheet.recipe()).isEmpty();
        assertThat(header(answer, "Content-Disposition")).contains("a-red-apple-7-sheet.");
        assertThat(bytes(header(answer, "Content-Location"), "Accept", type).body())
                .isEqualTo(answer.body());
    }

    @Test
    void aSinglePictureIsItsOwnContactSheet() {
        JsonNode job = drawn("{\"prompt\":\"a\",\"steps\":1}");
        String jobUrl = "/v1/jobs/" + job.get("id").stringValue();
        assertThat(bytes(jobUrl + "/images", "Accept", "image/png").body())
                .isEqualTo(bytes(jobUrl + "/images/0").body());
    }

    @Test
    void hasNoSetOfPicturesBeforeAllAreThere() {
        String id = submit("{\"prompt\":\"a\",\"steps\":150,\"n\":8}");
        assertProblem(bytes("/v1/jobs/" + id + "/images"), 404, "image_not_ready");
        assertProblem(bytes("/v1/jobs/" + id + "/images", "Accept", "text/html"), 406, "not_acceptable");
        assertProblem(bytes("/v1/jobs/job_unknown/images"), 404, "job_not_found");
        delete("/v1/jobs/" + id);
    }

    // Posted back

    @ParameterizedTest
    @EnumSource
    void drawsAPostedPictureAgain(SamplerKind sampler) {
        JsonNode job = drawn(random(sampler, new Random(sampler.ordinal()), 2));
        HttpResponse<byte[]> original = bytes(job.at("/images/1/url").stringValue(), "Accept", "image/png");
        HttpResponse<byte[]> again = again(original.body(), "image/png", "Accept", "image/png");
        assertThat(again.statusCode()).as(new String(again.body())).isEqualTo(200);
        assertThat(header(again, "Darkroom-Seed"))
                .isEqualTo(job.at("/images/1/seed").toString());
        assertThat(again.body()).isEqualTo(original.body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/jpeg", "image/webp"})
    void drawsTheSamePixelsAgainFromFormatsThatLostSome(String type) {
        String url = drawn("{\"prompt\":\"a\",\"steps\":2}").at("/images/0/url").stringValue();
        HttpResponse<byte[]> again = again(bytes(url, "Accept", type).body(), type, "Accept", "image/png");
        assertThat(again.body()).isEqualTo(bytes(url).body());
    }

    @Test
    @Tag("endurance")
    void drawsFiftyPostedPicturesOfRandomRecipesAgain() {
        Random random = new Random(50);
        for (int i = 0; i < 50; i++) {
            SamplerKind sampler = SamplerKind.values()[i % SamplerKind.values().length];
            String request = random(sampler, random, 1 + random.nextInt(8));
            HttpResponse<byte[]> original =
                    bytes(drawn(request).at("/images/0/url").stringValue(), "Accept", "image/png");
            HttpResponse<byte[]> again = again(original.body(), "image/png", "Accept", "image/png");
            assertThat(again.body()).as(request).isEqualTo(original.body());
        }
    }

    /** Two pictures with what this sampler allows. */
    private static String random(SamplerKind sampler, Random random, int steps) {
        String levels = "\"steps\":" + steps;
        switch (random.nextInt(3)) {
            case 0 ->
                levels = sampler.takesTimesteps() ? "\"timesteps\":[" + (500 + random.nextInt(500)) + ",321]" : levels;
            case 1 -> levels = sampler.takesSigmas() ? "\"sigmas\":[" + (5 + random.nextDouble()) + ",0.7]" : levels;
            default -> {
                List<SigmaSpacing> schedules = List.copyOf(sampler.schedules());
                levels += ",\"schedule\":\""
                        + schedules.get(random.nextInt(schedules.size())).id() + "\"";
            }
        }
        return "{\"prompt\":\"a (red:1.2) apple, \\\"x\\\"\\n\u308a\",\"negative_prompt\":\"blurry\",\"n\":2,"
                + "\"guidance_scale\":" + (1.5 + random.nextDouble()) + ",\"guidance_rescale\":" + random.nextDouble()
                + ",\"sampler\":\"" + sampler.id() + "\"," + levels + "}";
    }

    @Test
    void answersAPostedPictureLikeAnyRequest() {
        HttpResponse<byte[]> original =
                draw("{\"prompt\":\"a\",\"steps\":1,\"output_format\":\"webp\"}", "Accept", "image/*");
        HttpResponse<byte[]> answer = again(original.body(), "image/webp");
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(json(answer).at("/parameters/output_format").stringValue()).isEqualTo("webp");
        assertThat(json(answer).at("/parameters/seed").toString()).isEqualTo(header(original, "Darkroom-Seed"));
        assertThat(json(again(original.body(), "image/webp", "Prefer", "wait=60"))
                        .get("state")
                        .stringValue())
                .isEqualTo("succeeded");
    }

    @ParameterizedTest
    @CsvSource({
        "plain.png, image/png, 422, no_recipe",
        "cmyk.jpg, image/jpeg, 422, no_recipe",
        "grey-16.png, image/png, 422, no_recipe",
        "turned-6.jpg, image/jpeg, 422, no_recipe",
        "bomb.png, image/png, 422, too_many_pixels",
        "text-bomb.png, image/png, 422, invalid_recipe",
        "text-bomb-international.png, image/png, 422, invalid_recipe",
        "animated.png, image/png, 422, unsupported_picture",
        "animated.webp, image/webp, 422, unsupported_picture",
        "animated.gif, image/gif, 415, unsupported_media_type",
        "animated.gif, image/png, 415, unsupported_media_type",
        "plain.png, image/jpeg, 415, unsupported_media_type",
        "plain.png, image/png;charset=utf-8, 422, no_recipe",
        "webui.png, image/png, 400, invalid_request"
    })
    void saysWhyAPostedPictureIsRefused(String name, String type, int status, String code) throws IOException {
        assertProblem(again(Files.readAllBytes(FILES.resolve(name)), type), status, code);
    }

    @Test
    void namesTheModelThatAPostedPictureNeeds() throws IOException {
        JsonNode error = json(again(Files.readAllBytes(FILES.resolve("webui.png")), "image/png"))
                .at("/errors/0");
        assertThat(error.get("code").stringValue()).isEqualTo("unknown_model");
        assertThat(error.get("message").stringValue()).contains("v1-5-pruned-emaonly");
    }

    @Test
    void refusesPicturesThatAreCutShortOrTooLarge() {
        byte[] whole =
                draw("{\"prompt\":\"a\",\"steps\":1}", "Accept", "image/png").body();
        assertProblem(again(Arrays.copyOf(whole, whole.length - 20), "image/png"), 422, "invalid_picture");
        assertProblem(again(new byte[0], "image/png"), 422, "invalid_picture");
        byte[] endless = Arrays.copyOf(whole, 33 * 1024 * 1024);
        assertProblem(again(endless, "image/png"), 413, "body_too_large"); // though the picture in it is small
        byte[] huge = new byte[33 * 1024 * 1024];
        System.arraycopy(whole, 0, huge, 0, 33);
        huge[33] = 0x02; // a chunk of 33 MB
        huge[37] = 't';
        huge[38] = 'e';
        assertProblem(again(huge, "image/png"), 413, "body_too_large");
    }

    @Test
    void reportsEveryParameterAndSeed() {
        JsonNode job = drawn("{\"prompt\":\"a\",\"steps\":1,\"seed\":3,\"n\":2,\"output_format\":\"jpeg\"}");
        JsonNode parameters = job.get("parameters");
        assertThat(parameters.get("output_compression").intValue()).isEqualTo(90);
        assertThat(job.get("seeds").toString()).isEqualTo("[3,4]");
        JsonNode again = body(post(parameters.toString()));
        assertThat(again.get("parameters")).isEqualTo(parameters);
    }
}
