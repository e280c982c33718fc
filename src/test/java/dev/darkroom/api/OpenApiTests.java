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
                    assertThat(operation
                                    .at("/responses/400/content/application~1problem+json/schema/$ref")
                                    .stringValue())
                            .isEqualTo("#/components/schemas/Problem");
                }));
        assertThat(operations)
                .containsExactlyInAnyOrder(
                        "createImages",
                        "getJob",
                        "cancelJob",
                        "streamJobEvents",
                        "getJobImage",
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
                        "expires_in");
    }

    @Test
    void leadsFromTheRootToSwaggerUi() {
        HttpResponse<String> root = get("/");
        assertThat(root.statusCode()).isEqualTo(302);
        HttpResponse<String> page = get(header(root, "Location"));
        assertThat(page.statusCode()).isEqualTo(302);
        assertThat(get(header(page, "Location")).body()).contains("swagger-ui");
    }
}
