package dev.darkroom.api.openai;

import dev.darkroom.api.v1.Idempotency;
import dev.darkroom.api.v1.ImagesController;
import dev.darkroom.api.v1.JobAnswers;
import io.swagger.v3.oas.annotations.Hidden;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/images/generations} as the OpenAPI document and Spring MVC read it. */
@Tag(name = "OpenAI")
interface OpenAiImagesApi {

    /**
     * @param version what Azure's clients send; there is one version here
     * @return an {@link SseEmitter} for a stream, otherwise a {@link DeferredResult}
     */
    @PostMapping(path = OpenAiImagesController.PATH, consumes = MediaType.APPLICATION_JSON_VALUE)
    @Idempotency.Header
    @Operation(operationId = "generateImages", summary = "Draw pictures, in OpenAI's shape", description = """
                    For OpenAI's own clients and whatever speaks like them: answers when the pictures are there, and \
                    cancels the job if the client hangs up before, unless there is an Idempotency-Key. \
                    Errors have OpenAI's shape too.

                    With `stream` the answer is server-sent events: `image_generation.partial_image` for each preview, \
                    then `image_generation.completed` with the picture, or `error`.""")
    @ApiResponse(
            responseCode = "200",
            description = "The pictures",
            headers = {
                @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
                @Header(
                        name = JobAnswers.WARNING,
                        description = JobAnswers.WARNING_SAYS,
                        schema = @Schema(type = "string")),
                @Header(
                        name = ImagesController.REQUESTED_SIZE,
                        description = "The size that was asked for, if the nearest one was drawn in its place",
                        schema = @Schema(type = "string"))
            },
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = OpenAiImages.class)),
                @Content(
                        mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                        schema = @Schema(oneOf = {OpenAiImages.Partial.class, OpenAiImages.Completed.class}))
            })
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = OpenAiImageRequest.class),
                            examples =
                                    @ExampleObject(
                                            name = "apple",
                                            value = "{\"prompt\":\"a red apple\",\"n\":2,\"seed\":42}")))
    Object generate(
            @RequestBody JsonNode body,
            @Parameter(hidden = true) @RequestParam(name = "api-version", required = false) @Nullable String version,
            @Parameter(hidden = true) HttpServletRequest http,
            @Parameter(hidden = true) HttpServletResponse answer);

    /** So that OpenAI's clients can read why: the 405 of static content would be for people. */
    @RequestMapping(OpenAiImagesController.FAMILY + "{other:(?!generations$).+}")
    @Hidden
    Object other(@PathVariable String other);
}
