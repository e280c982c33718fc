package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.fleet.Models;
import dev.darkroom.request.ModelInfo;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;

class ProblemsTests extends ServerTest {

    @Autowired
    private Models models;

    @LocalServerPort
    private int port;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"prompt":                              | malformed_json
                    {"prompt":"a"} trailing                 | malformed_json
                    {"prompt":"a","prompt":"b"}             | malformed_json
                    {"prompt":"a","guidance_scale":NaN}     | malformed_json
                    ["a red apple"]                         | malformed_json
                    null                                    | malformed_json
                    ``                                      | malformed_json
                    """)
    void refusesABodyThatIsNotOneJsonObject(String json, String code) {
        assertProblem(post(json), 400, code);
    }

    @Test
    void namesTheUnknownFieldAndTheKnownOnes() {
        JsonNode error = onlyError("{\"prompt\":\"a\",\"promt\":\"b\"}");
        assertThat(error.get("field").stringValue()).isEqualTo("promt");
        assertThat(error.get("code").stringValue()).isEqualTo("unknown_field");
        assertThat(error.get("message").stringValue()).contains("prompt, negative_prompt, model, clip_skip, width");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    prompt         | 17                   | a string
                    prompt         | true                 | a string
                    prompt         | ["a"]                | a string
                    steps          | "20"                 | an integer
                    steps          | 2.5                  | an integer
                    steps          | 99999999999          | an integer
                    seed           | 99999999999999999999 | an integer
                    guidance_scale | "4"                  | a number
                    timesteps      | 999                  | a list
                    sigmas         | {"a":1}              | a list
                    """)
    void namesTheFieldOfTheWrongType(String field, String value, String expected) {
        String other = field.equals("prompt") ? "" : "\"prompt\":\"a\",";
        JsonNode error = onlyError("{" + other + "\"" + field + "\":" + value + "}");
        assertThat(error.get("field").stringValue()).isEqualTo(field);
        assertThat(error.get("code").stringValue()).isEqualTo("wrong_type");
        assertThat(error.get("message").stringValue()).contains(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    prompt          | ""     | empty
                    prompt          | "  "   | empty
                    steps           | 0      | out_of_range
                    steps           | 151    | out_of_range
                    n               | 0      | out_of_range
                    n               | 11     | out_of_range
                    guidance_scale  | 0.5    | out_of_range
                    guidance_scale  | 31     | out_of_range
                    seed            | -1     | out_of_range
                    width           | 4      | out_of_range
                    height          | 100000 | out_of_range
                    sampler         | "plms" | unknown_sampler
                    schedule        | "cos"  | unknown_schedule
                    model           | "gone" | unknown_model
                    """)
    void namesTheFieldAndTheRule(String field, String value, String code) {
        String other = field.equals("prompt") ? "" : "\"prompt\":\"a\",";
        JsonNode error = onlyError("{" + other + "\"" + field + "\":" + value + "}");
        assertThat(error.get("field").stringValue()).isEqualTo(field);
        assertThat(error.get("code").stringValue()).isEqualTo(code);
        assertThat(error.get("message").stringValue())
                .contains(value.replace("\"", "").strip());
    }

    @Test
    void aMissingPromptIsAnEmptyOne() {
        assertThat(onlyError("{}").get("code").stringValue()).isEqualTo("empty");
    }

    @Test
    void refusesOverlongPrompts() {
        String prompt = "x".repeat(2001);
        assertThat(onlyError("{\"prompt\":\"" + prompt + "\"}").get("code").stringValue())
                .isEqualTo("too_long");
        JsonNode error = onlyError("{\"prompt\":\"a\",\"negative_prompt\":\"" + prompt + "\"}");
        assertThat(error.get("field").stringValue()).isEqualTo("negative_prompt");
        assertThat(error.get("message").stringValue()).contains("2000").contains("2001");
    }

    @Test
    void refusesASizeThatIsNoMultipleOfTheModelsUnit() {
        ModelInfo model = models.all().get(0);
        int width = model.minSize() + model.sizeMultiple() / 2;
        JsonNode error = onlyError("{\"prompt\":\"a\",\"width\":" + width + "}");
        assertThat(error.get("code").stringValue()).isEqualTo("not_a_multiple");
        assertThat(error.get("message").stringValue())
                .contains("multiple of " + model.sizeMultiple())
                .contains("" + width);
    }

    @Test
    void listsTheKnownSamplersSchedulesAndModels() {
        assertThat(onlyError("{\"prompt\":\"a\",\"sampler\":\"plms\"}")
                        .get("message")
                        .stringValue())
                .contains("euler, euler_ancestral, heun, dpm2");
        assertThat(onlyError("{\"prompt\":\"a\",\"schedule\":\"cos\"}")
                        .get("message")
                        .stringValue())
                .contains("default, karras, exponential, beta");
        assertThat(onlyError("{\"prompt\":\"a\",\"model\":\"gone\"}")
                        .get("message")
                        .stringValue())
                .contains(models.all().get(0).id());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "sampler":"pndm","schedule":"karras"           | schedule         | not_for_this_sampler
                    "sampler":"unipc","timesteps":[5]              | timesteps        | not_for_this_sampler
                    "sampler":"euler","timesteps":[5,9]            | timesteps        | not_falling
                    "sampler":"euler","sigmas":[9,0]               | sigmas           | out_of_range
                    "sampler":"euler","sigmas":[9,1],"steps":3     | steps            | exclusive
                    "guidance_scale":1,"guidance_rescale":0.5      | guidance_rescale | needs_guidance
                    "clip_skip":12                                 | clip_skip        | out_of_range
                    """)
    void refusesWhatDoesNotGoTogether(String fields, String field, String code) {
        JsonNode error = onlyError("{\"prompt\":\"a\"," + fields + "}");
        assertThat(error.get("field").stringValue()).isEqualTo(field);
        assertThat(error.get("code").stringValue()).isEqualTo(code);
    }

    @Test
    void namesTheElementOfTheWrongType() {
        JsonNode error = onlyError("{\"prompt\":\"a\",\"timesteps\":[999,\"x\"]}");
        assertThat(error.get("field").stringValue()).isEqualTo("timesteps.[1]");
        assertThat(error.get("message").stringValue()).contains("an integer");
    }

    @Test
    void listsAllWrongFieldsAtOnce() {
        JsonNode problem = body(post("{\"prompt\":\"\",\"steps\":0,\"n\":99,\"sampler\":\"plms\"}"));
        assertThat(problem.get("errors")).hasSize(4);
    }

    @Test
    void listsUnknownAndMistypedFieldsAndTheRestAtOnce() {
        JsonNode problem = body(
                post(
                        "{\"prompt\":7,\"guidance\":4,\"steps\":\"20\",\"n\":99,\"sampler\":\"pndm\",\"schedule\":\"karras\"}"));
        assertThat(problem.get("errors")
                        .valueStream()
                        .map(error -> error.get("field").stringValue() + " "
                                + error.get("code").stringValue()))
                .containsExactlyInAnyOrder(
                        "prompt wrong_type",
                        "guidance unknown_field",
                        "steps wrong_type",
                        "n out_of_range",
                        "schedule not_for_this_sampler");
        assertThat(problem.get("detail").stringValue()).contains("did you mean \"guidance_scale\"?");
    }

    @Test
    void emptyListsAndNullsAreFieldsThatWereNotSaid() {
        String id = submit("{\"prompt\":\"a\",\"timesteps\":[],\"sigmas\":[],\"steps\":null,\"seed\":null}");
        assertThat(job(id).get("parameters").has("timesteps")).isFalse();
        delete("/v1/jobs/" + id);
    }

    @Test
    void refusesAPreferenceItCannotRead() {
        assertProblem(post("{\"prompt\":\"a\"}", "Prefer", "wait=soon"), 400, "invalid_prefer");
        assertProblem(post("{\"prompt\":\"a\"}", "Prefer", "wait=61"), 400, "invalid_prefer");
    }

    @Test
    void refusesABodyThatIsTooLargeWhetherAnnouncedOrNot() {
        String json = "{\"prompt\":\"" + "x".repeat(100_000) + "\"}";
        assertProblem(post(json), 413, "body_too_large");
        HttpRequest.Builder chunked = request("/v1/images")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofString(json)));
        assertProblem(send(chunked), 413, "body_too_large");
    }

    @Test
    void refusesOtherMediaTypes() {
        HttpRequest.Builder text = request("/v1/images")
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("a red apple"));
        assertProblem(send(text), 415, "unsupported_media_type");
        assertProblem(post("{\"prompt\":\"a\"}", "Accept", "text/plain"), 406, "not_acceptable");
        assertProblem(get("/v1/models", "Accept", "image/png"), 406, "not_acceptable");
    }

    @Test
    void refusesOtherMethodsAndSaysWhichAreAllowed() {
        HttpResponse<String> answer = get("/v1/images");
        assertProblem(answer, 405, "method_not_allowed");
        assertThat(header(answer, "Allow")).isEqualTo("POST");
    }

    @ParameterizedTest
    @CsvSource({
        "/nothing, not_found",
        "/v1/jobs/job_unknown, job_not_found",
        "/v1/jobs/job_unknown/events, job_not_found",
        "/v1/jobs/job_unknown/images/0, job_not_found",
        "/v1/models/unknown, model_not_found",
        "/error, not_found",
        "/actuator/env, not_found"
    })
    void saysThatAPathIsUnknown(String path, String code) {
        assertProblem(get(path), 404, code);
    }

    @Test
    void cannotCancelAnUnknownOrEndedJob() {
        assertProblem(delete("/v1/jobs/job_unknown"), 404, "job_not_found");
        String id = body(post("{\"prompt\":\"a\",\"steps\":1}", "Prefer", "wait=60"))
                .get("id")
                .stringValue();
        assertProblem(delete("/v1/jobs/" + id), 409, "already_ended");
    }

    @Test
    void tellsAPictureThatIsNotThereYetFromOneThatNeverWillBe() {
        String id = submit("{\"prompt\":\"a\",\"steps\":150,\"n\":8}");
        assertProblem(get("/v1/jobs/" + id + "/images/7"), 404, "image_not_ready");
        assertProblem(get("/v1/jobs/" + id + "/images/8"), 404, "image_not_found");
        assertProblem(get("/v1/jobs/" + id + "/images/-1"), 404, "image_not_found");
        assertProblem(get("/v1/jobs/" + id + "/images/first"), 400, "invalid_parameter");
        delete("/v1/jobs/" + id);
    }

    @Test
    void refusesParametersItCannotRead() {
        String id = body(post("{\"prompt\":\"a\",\"steps\":1}", "Prefer", "wait=60"))
                .get("id")
                .stringValue();
        assertProblem(get("/v1/jobs/" + id + "?wait_ms=soon"), 400, "invalid_parameter");
        assertProblem(get("/v1/jobs/" + id + "?wait_ms=60001"), 400, "invalid_parameter");
        assertProblem(get("/v1/jobs/" + id + "?wait_ms="), 400, "invalid_parameter");
        assertProblem(get("/v1/jobs/" + id + "?wait_ms=0&=null"), 400, "invalid_parameter");
        assertProblem(get("/v1/jobs/" + id + "/events", "Last-Event-ID", ""), 400, "invalid_parameter");
        assertProblem(get("/v1/jobs/" + id + "/events", "Last-Event-ID", "x"), 400, "invalid_parameter");
    }

    @Test
    void evenRequestsThatAreNoHttpGetAProblem() throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            socket.getOutputStream()
                    .write("GET /v1/[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer)
                    .startsWith("HTTP/1.1 400")
                    .contains("application/problem+json")
                    .contains("\"code\":\"malformed_request\"")
                    .doesNotContain("<html");
        }
    }

    private JsonNode onlyError(String json) {
        HttpResponse<String> answer = post(json);
        assertProblem(answer, 400, "invalid_request");
        JsonNode errors = body(answer).get("errors");
        assertThat(errors).as(answer.body()).hasSize(1);
        return errors.get(0);
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String code) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(header(answer, "Content-Type")).startsWith("application/problem+json");
        JsonNode problem = body(answer);
        assertThat(problem.get("status").intValue()).isEqualTo(status);
        assertThat(problem.get("code").stringValue()).isEqualTo(code);
        assertThat(problem.get("detail").stringValue()).isNotBlank();
        assertThat(answer.body()).doesNotContain("Exception").doesNotContain("\tat ");
    }
}
