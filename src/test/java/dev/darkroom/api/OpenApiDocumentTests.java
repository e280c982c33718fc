package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialects;
import io.swagger.v3.parser.OpenAPIV3Parser;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openapitools.openapidiff.core.OpenApiCompare;
import org.openapitools.openapidiff.core.model.ChangedOpenApi;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code docs/openapi.json}, the contract that clients are built on. To write it anew: {@code ./mvnw test
 * -Dtest=OpenApiDocumentTests -Dopenapi.write=true}.
 */
class OpenApiDocumentTests extends ServerTest {

    private static final Path FILE = Path.of("docs", "openapi.json");
    private static final String WRITE = "./mvnw test -Dtest=OpenApiDocumentTests -Dopenapi.write=true";
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    @Autowired
    @Qualifier("requestMappingHandlerMapping")
    private RequestMappingHandlerMapping mappings;

    private JsonNode served() {
        return body(get("/v3/api-docs"));
    }

    private static JsonNode kept() throws IOException {
        return JSON.readTree(Files.readString(FILE));
    }

    @Test
    void theDocumentKeptIsTheOneServed() throws IOException {
        JsonNode served = served();
        if (Boolean.getBoolean("openapi.write")) {
            Files.writeString(FILE, JSON.writeValueAsString(served) + "\n");
        }
        JsonNode kept = kept();
        if (!served.equals(kept)) {
            List<String> broken = broken(kept, served);
            fail(
                    broken.isEmpty()
                            ? "the API has changed, compatibly; write docs/openapi.json anew: " + WRITE
                            : "the API has changed and breaks clients: " + broken
                                    + "; take that back, or, if it is meant, write docs/openapi.json anew: " + WRITE);
        }
    }

    /** What clients of the older document cannot do with the newer one. Fields that answers need not have count too. */
    private static List<String> broken(JsonNode older, JsonNode newer) {
        List<String> broken = new ArrayList<>();
        ChangedOpenApi change = OpenApiCompare.fromContents(older.toString(), newer.toString());
        change.getMissingEndpoints()
                .forEach(each -> broken.add(each.getMethod() + " " + each.getPathUrl() + " is gone"));
        change.getChangedOperations().stream()
                .filter(each -> !each.isCompatible())
                .forEach(each -> broken.add(each.getHttpMethod() + " " + each.getPathUrl()));
        older.at("/components/schemas")
                .properties()
                .forEach(schema -> schema.getValue()
                        .path("properties")
                        .propertyNames()
                        .forEach(field -> {
                            if (newer.path("components")
                                    .path("schemas")
                                    .path(schema.getKey())
                                    .path("properties")
                                    .path(field)
                                    .isMissingNode()) {
                                broken.add(schema.getKey() + "." + field + " is gone");
                            }
                        }));
        if (broken.isEmpty() && !change.isCompatible()) {
            broken.add("see openapi-diff");
        }
        return broken;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a field less in an answer",
                "another type in an answer",
                "a value less in a request",
                "a field less in a request",
                "a field more that a request must have",
                "an operation less"
            })
    void whatBreaksClientsIsNoticed(String change) throws IOException {
        JsonNode now = changed(document -> {
            ObjectNode answer = at(document, "/components/schemas/Job/properties");
            ObjectNode request = at(document, "/components/schemas/ImageRequest");
            switch (change) {
                case "a field less in an answer" -> answer.remove("seeds");
                case "another type in an answer" -> answer.putObject("state").put("type", "integer");
                case "a value less in a request" ->
                    request.at("/properties/sampler/enum").asArray().remove(0);
                case "a field less in a request" -> at(request, "/properties").remove("clip_skip");
                case "a field more that a request must have" ->
                    request.at("/required").asArray().add("steps");
                case "an operation less" -> at(document, "/paths/~1v1~1jobs").remove("get");
                default -> throw new IllegalArgumentException(change);
            }
        });
        assertThat(broken(kept(), now)).isNotEmpty();
    }

    @Test
    void whatBreaksNobodyIsNot() throws IOException {
        JsonNode now = changed(document -> {
            at(document, "/components/schemas/Job/properties").putObject("more").put("type", "string");
            at(document, "/components/schemas/ImageRequest/properties")
                    .putObject("more")
                    .put("type", "string");
        });
        assertThat(OpenApiCompare.fromContents(kept().toString(), now.toString())
                        .isCompatible())
                .isTrue();
    }

    private static JsonNode changed(Consumer<JsonNode> change) throws IOException {
        JsonNode document = kept();
        change.accept(document);
        return document;
    }

    private static ObjectNode at(JsonNode node, String pointer) {
        return (ObjectNode) node.at(pointer);
    }

    @Test
    void describesExactlyTheOperationsThatAreMapped() {
        Set<String> mapped = new TreeSet<>();
        mappings.getHandlerMethods()
                .keySet()
                .forEach(info -> info.getPatternValues().stream()
                        .filter(path -> path.startsWith("/v1/"))
                        .forEach(path -> info.getMethodsCondition()
                                .getMethods()
                                .forEach(method -> mapped.add(method.name() + " " + path))));
        Set<String> described = new TreeSet<>();
        served().get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .propertyNames()
                        .forEach(method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        assertThat(described).isEqualTo(mapped).hasSizeGreaterThan(9);
    }

    @Test
    void isWellFormedAndSaysWhatEverythingIs() {
        JsonNode document = served();
        assertThat(new OpenAPIV3Parser().readContents(document.toString()).getMessages())
                .isEmpty();
        List<String> silent = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        document.get("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(method -> {
                    String name = method.getKey() + " " + path.getKey();
                    JsonNode operation = method.getValue();
                    String id = operation.path("operationId").asString("");
                    assertThat(id).as(name).matches("[a-z][A-Za-z]+");
                    assertThat(ids.add(id)).as(id).isTrue();
                    need(silent, operation, "summary", name);
                    need(silent, operation, "description", name);
                    assertThat(operation.path("tags").size()).as(name).isEqualTo(1);
                    operation.path("parameters").forEach(parameter -> {
                        String of = name + " parameter " + parameter.get("name").stringValue();
                        need(silent, parameter, "description", of);
                        assertThat(parameter.path("schema").has("type")).as(of).isTrue();
                    });
                    operation.get("responses").properties().forEach(response -> {
                        String of = name + " " + response.getKey();
                        need(silent, response.getValue(), "description", of);
                        response.getValue().path("headers").properties().forEach(header -> {
                            need(silent, header.getValue(), "description", of + " " + header.getKey());
                        });
                        response.getValue()
                                .path("content")
                                .properties()
                                .forEach(
                                        content -> assertThat(content.getValue().has("schema"))
                                                .as(of + " " + content.getKey())
                                                .isTrue());
                    });
                    assertThat(operation.get("responses").propertyNames())
                            .as(name)
                            .anyMatch(status -> status.startsWith("2"))
                            .anyMatch(status -> status.startsWith("4"));
                }));
        document.at("/components/schemas").properties().forEach(schema -> {
            need(silent, schema.getValue(), "description", schema.getKey());
            schema.getValue().path("properties").properties().forEach(field -> {
                assertThat(field.getKey()).matches("[a-z][a-z0-9_]*");
                if (!field.getValue().has("$ref")) {
                    need(silent, field.getValue(), "description", schema.getKey() + "." + field.getKey());
                }
            });
        });
        assertThat(silent).isEmpty();
        assertThat(document.findValuesAsString("$ref"))
                .isNotEmpty()
                .allSatisfy(reference -> assertThat(
                                document.at(reference.substring(1)).isObject())
                        .as(reference)
                        .isTrue());
    }

    /** Generators make a field with a default one that must be there, or a name that they do not declare. */
    @Test
    void requestsHaveNoDefaultsAndAnswersSayWhatTheyAlwaysHave() {
        Set<String> requests = Set.of("ImageRequest", "OpenAiImageRequest");
        served().at("/components/schemas").properties().forEach(schema -> {
            JsonNode required = schema.getValue().path("required");
            if (requests.contains(schema.getKey())) {
                assertThat(required).extracting(JsonNode::stringValue).containsExactly("prompt");
                schema.getValue()
                        .get("properties")
                        .forEach(field -> assertThat(field.has("default")).isFalse());
            } else if (!schema.getKey().equals("JobTimings")) { // it may have neither
                assertThat(required.size()).as(schema.getKey()).isPositive();
            }
        });
        assertThat(served().at("/components/schemas/Job/required"))
                .extracting(JsonNode::stringValue)
                .contains("id", "state", "progress", "seeds", "images", "created_at")
                .doesNotContain("queue", "error", "started_at");
    }

    @Test
    void aJobCanBeMadeWithJsonAlone() {
        JsonNode operation = served().at("/paths/~1v1~1jobs/post");
        assertThat(operation.at("/requestBody/content").propertyNames()).containsExactly("application/json");
        for (String status : List.of("200", "202")) {
            assertThat(operation.at("/responses/" + status + "/content").propertyNames())
                    .containsExactly("application/json");
        }
    }

    private static void need(List<String> silent, JsonNode node, String property, String of) {
        if (node.path(property).asString("").isBlank()) {
            silent.add(of + " has no " + property);
        }
    }

    @Test
    void examplesAreValid() {
        JsonNode document = served();
        List<String> wrong = new ArrayList<>();
        List<String> checked = new ArrayList<>();
        examples(document, document, "", wrong, checked);
        assertThat(wrong).isEmpty();
        assertThat(checked).hasSizeGreaterThan(5);
        assertThat(errors(
                        document,
                        "{\"$ref\":\"#/components/schemas/ImageRequest\"}",
                        json("{\"prompt\":\"a\",\"steps\":0}")))
                .as("the validator validates")
                .isNotEmpty();
    }

    /** Every {@code example} beside a schema or within one, and every named one of {@code examples}. */
    private static void examples(
            JsonNode document, JsonNode node, String path, List<String> wrong, List<String> checked) {
        if (node.has("example") && (node.has("schema") || node.has("type"))) {
            check(
                    document,
                    node.path("schema").isMissingNode() ? node : node.get("schema"),
                    node.get("example"),
                    path,
                    wrong,
                    checked);
        }
        if (node.has("schema")) {
            node.path("examples")
                    .properties()
                    .forEach(example -> check(
                            document,
                            node.get("schema"),
                            example.getValue().get("value"),
                            path + "/" + example.getKey(),
                            wrong,
                            checked));
        }
        node.properties()
                .forEach(child -> examples(document, child.getValue(), path + "/" + child.getKey(), wrong, checked));
    }

    private static void check(
            JsonNode document,
            JsonNode schema,
            JsonNode example,
            String path,
            List<String> wrong,
            List<String> checked) {
        checked.add(path);
        errors(document, schema.toString(), example).forEach(error -> wrong.add(path + ": " + error));
    }

    private static List<String> errors(JsonNode document, String schema, JsonNode instance) {
        ObjectNode whole = (ObjectNode) JSON.readTree(schema);
        whole.set("components", document.get("components"));
        Schema compiled = SchemaRegistry.withDefaultDialect(Dialects.getOpenApi30())
                .getSchema(SchemaLocation.of("memory:api"), whole);
        List<String> errors = new ArrayList<>();
        compiled.validate(instance).forEach(error -> errors.add(error.toString()));
        return errors;
    }

    @Test
    void answersAndEventsAreWhatTheirSchemasSay() {
        JsonNode document = served();
        String id = submit("{\"prompt\":\"a red apple\",\"steps\":4,\"previews\":2}");
        JsonNode events =
                document.at("/paths/~1v1~1jobs~1{id}~1events/get/responses/200/content/text~1event-stream/x-events");
        Set<String> seen = new TreeSet<>();
        for (String after : List.of("", "0")) {
            HttpResponse<String> stream = after.isEmpty()
                    ? get("/v1/jobs/" + id + "/events")
                    : get("/v1/jobs/" + id + "/events", "Last-Event-ID", after);
            String name = "";
            for (String line : stream.body().split("\n")) {
                if (line.startsWith("event:")) {
                    name = line.substring(6);
                } else if (line.startsWith("data:")) {
                    seen.add(name);
                    assertThat(errors(document, events.get(name).toString(), json(line.substring(5))))
                            .as(line)
                            .isEmpty();
                    assertThat(unknown(document, events.get(name), json(line.substring(5))))
                            .as(line)
                            .isEmpty();
                }
            }
        }
        assertThat(seen).containsExactlyInAnyOrder("snapshot", "queued", "started", "step", "image", "succeeded");
        for (String[] answer : new String[][] {
            {"/v1/jobs/" + id, "Job"},
            {"/v1/jobs?limit=1", "JobPage"},
            {"/v1/models", "ModelList"},
            {"/v1/nothing", "Problem"}
        }) {
            JsonNode schema = json("{\"$ref\":\"#/components/schemas/" + answer[1] + "\"}");
            JsonNode body = body(get(answer[0]));
            assertThat(errors(document, schema.toString(), body)).as(answer[0]).isEmpty();
            assertThat(unknown(document, schema, body)).as(answer[0]).isEmpty();
        }
    }

    /** Fields that the schema does not describe. */
    private static List<String> unknown(JsonNode document, JsonNode schema, JsonNode value) {
        JsonNode resolved = schema.has("$ref")
                ? document.at(schema.get("$ref").stringValue().substring(1))
                : schema;
        List<String> unknown = new ArrayList<>();
        value.properties().forEach(field -> {
            JsonNode described = resolved.path("properties").path(field.getKey());
            if (described.isMissingNode()) {
                unknown.add(field.getKey());
            } else {
                unknown.addAll(unknown(document, described, field.getValue()));
            }
        });
        if (value.isArray()) {
            value.forEach(each -> unknown.addAll(unknown(document, resolved.path("items"), each)));
        }
        return unknown;
    }
}
