package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class OpenApiTests extends ServerTest {

    @Test
    void describesEveryOperationWithItsProblems() {
        JsonNode api = body(get("/v3/api-docs"));
        assertThat(api.get("openapi").stringValue()).startsWith("3.0");
        List<String> operations = new ArrayList<>();
        api.get("paths")
                .forEach(path -> path.forEach(operation -> {
                    operations.add(operation.get("operationId").stringValue());
                    boolean openAi = operation.get("operationId").stringValue().equals("generateImages");
                    assertThat(operation
                                    .at("/responses/400/content/application~1" + (openAi ? "json" : "problem+json")
                                            + "/schema/$ref")
                                    .stringValue())
                            .isEqualTo("#/components/schemas/" + (openAi ? "OpenAiError" : "Problem"));
                }));
        assertThat(operations)
                .containsExactlyInAnyOrder(
                        "createImages",
                        "createJob",
                        "getSignedImage",
                        "generateImages",
                        "listJobs",
                        "getJob",
                        "cancelJob",
                        "streamJobEvents",
                        "getJobImage",
                        "getJobImages",
                        "listModels",
                        "getModel");
        assertThat(api.at("/components/schemas/Problem/properties").propertyNames())
                .contains("code", "errors", "detail", "status");
    }

    @Test
    void describesTheFieldsByTheirJsonNames() {
        JsonNode api = body(get("/v3/api-docs"));
        assertThat(api.at("/components/schemas/ImageRequest/properties").propertyNames())
                .containsExactlyInAnyOrder(
                        "prompt",
                        "negative_prompt",
                        "model",
                        "clip_skip",
                        "width",
                        "height",
                        "steps",
                        "guidance_scale",
                        "guidance_rescale",
                        "seed",
                        "n",
                        "sampler",
                        "schedule",
                        "timesteps",
                        "sigmas",
                        "determinism",
                        "previews",
                        "priority",
                        "expires_in",
                        "output_format",
                        "output_compression");
    }

    @Test
    void saysInWhichFormsPicturesGoInAndOut() {
        JsonNode paths = body(get("/v3/api-docs")).get("paths");
        JsonNode post = paths.get("/v1/images").get("post");
        assertThat(post.at("/requestBody/content").propertyNames())
                .containsExactlyInAnyOrder("application/json", "image/png", "image/jpeg", "image/webp");
        assertThat(post.at("/responses/200/content").propertyNames())
                .containsExactlyInAnyOrder(
                        "application/json", "image/png", "image/jpeg", "image/webp", "application/zip");
        assertThat(post.at("/responses").propertyNames()).contains("415", "422");
        JsonNode image = paths.get("/v1/jobs/{id}/images/{n}").get("get");
        for (String status : new String[] {"200", "206"}) {
            assertThat(image.at("/responses/" + status + "/content").propertyNames())
                    .containsExactlyInAnyOrder("image/png", "image/jpeg", "image/webp");
        }
        assertThat(image.at("/responses").propertyNames()).contains("304", "406", "416");
        assertThat(image.get("parameters")
                        .valueStream()
                        .map(each -> each.get("name").stringValue()))
                .containsExactly("id", "n");
    }

    @Test
    void leadsFromTheRootToSwaggerUi() {
        HttpResponse<String> root = get("/");
        assertThat(root.statusCode()).isEqualTo(302);
        HttpResponse<String> page = get(header(root, "Location"));
        assertThat(page.statusCode()).isEqualTo(302);
        assertThat(get(header(page, "Location")).body()).contains("swagger-ui");
    }

    @Test
    void describesOurFieldsInOpenAisShapeAsInOurs() {
        JsonNode schemas = body(get("/v3/api-docs")).at("/components/schemas");
        JsonNode ours = schemas.at("/ImageRequest/properties");
        JsonNode openAis = schemas.at("/OpenAiImageRequest/properties");
        assertThat(openAis.get("sampler").get("enum"))
                .isEqualTo(ours.get("sampler").get("enum"));
        assertThat(openAis.get("seed").get("maximum"))
                .isEqualTo(ours.get("seed").get("maximum"));
        openAis.properties().forEach(field -> {
            assertThat(field.getValue().path("description").asString(""))
                    .as(field.getKey())
                    .isNotEmpty();
            assertThat(field.getValue().path("nullable").asBoolean(false))
                    .as(field.getKey())
                    .isEqualTo(!field.getKey().equals("prompt"));
        });
    }
}
