package dev.darkroom.api.v1;

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
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/images} as the OpenAPI document and Spring MVC read it. */
@Tag(name = "Images")
interface ImagesApi {

    @PostMapping(path = "/v1/images", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Idempotency.Header
    @Operation(operationId = "createImages", summary = "Draw pictures", description = """
                    Accepts a job and answers at once with 202 and its Location. With `Prefer: wait=N` (N ≤ 60 seconds) \
                    the answer waits: 200 with the finished job, or 202 with the job as it is when the time runs out. \
                    With `Prefer: wait=N, cancel-on-disconnect` the job is canceled if the client hangs up while it waits.

                    With an `Accept` that prefers `image/png`, `image/jpeg` or `image/webp` to JSON the answer is the \
                    picture itself, and a contact sheet of them where n is more than 1; with `application/zip` it is a \
                    zip of the pictures, each in `output_format`. Such an answer waits 60 seconds unless Prefer says \
                    otherwise, and falls back to 202 with the job as JSON.

                    A PNG, JPEG or WebP file as the body is drawn again: the request is the recipe that such a file of \
                    Darkroom carries, or the text `parameters` of AUTOMATIC1111's web UI. Only metadata is read.""")
    @ApiResponse(
            responseCode = "200",
            description = "The finished job, or its pictures",
            headers = {
                @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
                @Header(
                        name = JobAnswers.WARNING,
                        description = JobAnswers.WARNING_SAYS,
                        schema = @Schema(type = "string")),
                @Header(
                        name = "Content-Location",
                        description = "Where the pictures of this answer are to be had again",
                        schema = @Schema(type = "string")),
                @Header(
                        name = "Darkroom-Seed",
                        description = "The seed of the (first) picture, with answers that are pictures",
                        schema = @Schema(type = "integer", format = "int64"))
            },
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = JobResponse.class)),
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "application/zip", schema = @Schema(type = "string", format = "binary"))
            })
    @JobAnswers.Accepted
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            required = true,
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = ImageRequest.class),
                        examples =
                                @ExampleObject(
                                        name = "apple",
                                        value =
                                                "{\"prompt\":\"a red apple\",\"steps\":20,\"seed\":42,\"sampler\":\"dpmpp_2m\",\"schedule\":\"karras\"}")),
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary"))
            })
    CompletableFuture<ResponseEntity<Object>> create(
            @RequestBody JsonNode body,
            @Parameter(
                            description = "`respond-async` or `wait=N`, RFC 7240; also `cancel-on-disconnect`",
                            example = "wait=30")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String preferences,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers,
            HttpServletRequest http);

    /** The other bodies of {@link #create}, with whose description they share the OpenAPI document's operation. */
    @PostMapping(
            path = "/v1/images",
            consumes = {MediaType.IMAGE_PNG_VALUE, MediaType.IMAGE_JPEG_VALUE, "image/webp"})
    @Hidden
    CompletableFuture<ResponseEntity<Object>> drawAgain(
            HttpServletRequest body,
            @RequestHeader(name = "Prefer", required = false) @Nullable String preferences,
            @RequestHeader HttpHeaders headers)
            throws IOException;
}
