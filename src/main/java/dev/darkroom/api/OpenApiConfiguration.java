package dev.darkroom.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.api.http.Problems;
import dev.darkroom.api.openai.OpenAiError;
import dev.darkroom.api.openai.OpenAiImages;
import dev.darkroom.api.openai.OpenAiImagesController;
import dev.darkroom.api.v1.JobEventData;
import dev.darkroom.api.v1.JobResponse;
import dev.darkroom.api.v1.ModelResponse;
import dev.darkroom.api.v1.SignedPictures;
import dev.darkroom.observe.Build;
import dev.darkroom.request.Draft;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.ObjectSchema;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;

/** The OpenAPI document: its head, and the problems that each operation can answer. */
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {

    private static final String BEARER = "bearer";

    /** With the records in them, all that answers are made of, beside the data of events. */
    private static final List<Class<?>> ANSWERS =
            List.of(JobResponse.class, ModelResponse.class, OpenAiImages.class, OpenAiError.class, Problems.class);

    @Bean
    OpenAPI head() {
        return new OpenAPI()
                .info(new Info()
                        .title("Darkroom")
                        .version(Build.THIS.version())
                        .description("Pictures from prompts, drawn by latent diffusion models.")
                        .license(new License().name("Apache-2.0")))
                .servers(List.of(new Server().url("/")))
                .components(
                        new Components()
                                .addSecuritySchemes(
                                        BEARER,
                                        new SecurityScheme()
                                                .type(SecurityScheme.Type.HTTP)
                                                .scheme("bearer")
                                                .description(
                                                        "An API key, or a token of the issuer that this installation trusts. A key may also"
                                                                + " come in `api-key`, `x-api-key` or as the password of"
                                                                + " `Authorization: Basic`."
                                                                + " Scopes: `images:write` to post and cancel, `jobs:read` to read; only"
                                                                + " models need none. An installation that serves just its own machine,"
                                                                + " or stands behind a gateway that asks, takes calls without.")));
    }

    @Bean
    OpenApiCustomizer problemResponses() {
        return api -> {
            addSchemas(api, Problems.Body.class);
            addSchemas(api, OpenAiError.class);
            api.getPaths()
                    .forEach((path, item) -> item.readOperationsMap().forEach((method, operation) -> {
                        if (!path.startsWith(SignedPictures.PATHS)) {
                            operation.addSecurityItem(new SecurityRequirement().addList(BEARER));
                        }
                        statuses(path, method).forEach(status -> addProblem(path, operation, status));
                    }));
        };
    }

    /** OpenAPI 3.0 has no word for the events of a stream: they are an extension of its media type. */
    @Bean
    OpenApiCustomizer streamedEvents() {
        return api -> {
            JobEventData.RECORDS.forEach(record -> addSchemas(api, record));
            PathItem events = Objects.requireNonNull(api.getPaths().get("/v1/jobs/{id}/events"));
            events.getGet().getResponses().values().stream()
                    .filter(response -> response.getContent() != null)
                    .flatMap(response -> response.getContent().entrySet().stream())
                    .filter(content ->
                            content.getKey().equals(org.springframework.http.MediaType.TEXT_EVENT_STREAM_VALUE))
                    .forEach(content -> content.getValue().addExtension("x-events", JobEventData.references()));
        };
    }

    private static void addSchemas(OpenAPI api, Class<?> type) {
        ModelConverters.getInstance()
                .readAll(type)
                .forEach((name, schema) -> api.getComponents().addSchemas(name, schema));
    }

    /** In requests null is the same as nothing, except of the prompt, which must be there. */
    @Bean
    OpenApiCustomizer requests() {
        return api -> {
            OpenAiImagesController.NAMES.keySet().forEach(properties(api, "OpenAiImageRequest")::remove);
            for (String request : List.of("ImageRequest", "OpenAiImageRequest")) {
                schema(api, request).setAdditionalProperties(false);
                properties(api, request).forEach((name, field) -> {
                    if (!name.equals("prompt")) {
                        field.setNullable(true);
                    }
                });
            }
        };
    }

    /**
     * What a job draws has the fields of a request. All are said but lists that were not given, and none has bounds: clients of
     * today read what later versions allow.
     */
    @Bean
    @SuppressWarnings("rawtypes")
    OpenApiCustomizer parameters() {
        return api -> {
            Map<String, Schema> asked = properties(api, "ImageRequest");
            Schema<?> parameters = new ObjectSchema().description("The request with every default filled in");
            for (RecordComponent component : Draft.class.getRecordComponents()) {
                String name = Objects.requireNonNull(component.getAccessor().getAnnotation(JsonProperty.class))
                        .value();
                parameters.addProperty(name, unbounded(Objects.requireNonNull(asked.get(name))));
                if (component.getType() != List.class) {
                    parameters.addRequiredItem(name);
                }
            }
            api.getComponents().addSchemas(JobResponse.PARAMETERS, parameters);
        };
    }

    private static Schema<?> unbounded(Schema<?> field) {
        Schema<?> unbounded =
                new Schema<>().type(field.getType()).format(field.getFormat()).description(field.getDescription());
        if (field.getItems() != null) {
            unbounded.items(unbounded(field.getItems()));
        }
        return unbounded;
    }

    /** Answers have all their fields but those that may be null, so that generated types need not doubt them. */
    @Bean
    OpenApiCustomizer requiredFields() {
        return api -> Stream.concat(ANSWERS.stream(), JobEventData.RECORDS.stream())
                .flatMap(answer -> Stream.concat(Stream.of(answer), Arrays.stream(answer.getDeclaredClasses())))
                .flatMap(answer -> Stream.concat(Stream.of(answer), Arrays.stream(answer.getDeclaredClasses())))
                .filter(Class::isRecord)
                .distinct()
                .forEach(answer -> {
                    Schema<?> schema = api.getComponents().getSchemas().get(name(answer));
                    List<String> always = Arrays.stream(answer.getRecordComponents())
                            .filter(field -> !field.getAnnotatedType().isAnnotationPresent(Nullable.class))
                            .map(field -> Objects.requireNonNull(
                                            field.getAccessor().getAnnotation(JsonProperty.class))
                                    .value())
                            .toList();
                    if (schema != null && !always.isEmpty()) {
                        schema.setRequired(always);
                    }
                });
    }

    private static String name(Class<?> answer) {
        return Objects.requireNonNull(
                        answer.getAnnotation(io.swagger.v3.oas.annotations.media.Schema.class), answer.getName())
                .name();
    }

    private static Schema<?> schema(OpenAPI api, String name) {
        return Objects.requireNonNull(api.getComponents().getSchemas().get(name));
    }

    @SuppressWarnings("rawtypes")
    private static Map<String, Schema> properties(OpenAPI api, String name) {
        return schema(api, name).getProperties();
    }

    private static List<HttpStatus> statuses(String path, PathItem.HttpMethod method) {
        List<HttpStatus> all = new ArrayList<>(List.of(
                HttpStatus.BAD_REQUEST,
                HttpStatus.UNAUTHORIZED,
                HttpStatus.FORBIDDEN,
                HttpStatus.NOT_ACCEPTABLE,
                HttpStatus.TOO_MANY_REQUESTS,
                HttpStatus.INTERNAL_SERVER_ERROR,
                HttpStatus.SERVICE_UNAVAILABLE));
        if (path.contains("{") || path.equals(OpenAiImagesController.PATH)) {
            all.add(HttpStatus.NOT_FOUND);
        }
        if (path.startsWith(SignedPictures.PATHS)) {
            all.removeAll(List.of(HttpStatus.UNAUTHORIZED, HttpStatus.NOT_ACCEPTABLE));
            all.add(HttpStatus.GONE);
        }
        if (path.contains("/images/{") || path.startsWith(SignedPictures.PATHS)) {
            all.add(HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
        }
        if (method == PathItem.HttpMethod.DELETE) {
            all.add(HttpStatus.CONFLICT);
        }
        if (method == PathItem.HttpMethod.POST) {
            all.addAll(List.of(
                    HttpStatus.CONFLICT,
                    HttpStatus.CONTENT_TOO_LARGE,
                    HttpStatus.UNSUPPORTED_MEDIA_TYPE,
                    HttpStatus.UNPROCESSABLE_CONTENT));
        }
        return all;
    }

    private static void addProblem(String path, Operation operation, HttpStatus status) {
        boolean openAi = path.equals(OpenAiImagesController.PATH);
        ApiResponse problem = new ApiResponse();
        if (status == HttpStatus.UNAUTHORIZED
                || (status == HttpStatus.FORBIDDEN && !path.startsWith(SignedPictures.PATHS))) {
            problem.addHeaderObject(
                    "WWW-Authenticate",
                    new Header()
                            .description("The scheme, and what is wrong with the credentials (RFC 6750)")
                            .schema(new StringSchema()));
        }
        operation
                .getResponses()
                .addApiResponse(
                        Integer.toString(status.value()),
                        problem.description(status.getReasonPhrase())
                                .content(new Content()
                                        .addMediaType(
                                                openAi ? "application/json" : "application/problem+json",
                                                new MediaType()
                                                        .schema(new Schema<>()
                                                                .$ref("#/components/schemas/"
                                                                        + (openAi ? "OpenAiError" : "Problem"))))));
    }
}
