package dev.darkroom.api.v1;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

/** {@code /v1/jobs} as the OpenAPI document and Spring MVC read it. */
@RequestMapping("/v1/jobs")
@Tag(name = "Jobs")
interface JobsApi {

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Idempotency.Header
    @Operation(operationId = "createJob", summary = "Draw pictures, with JSON alone", description = """
                    As `POST /v1/images`, but JSON is all that it takes and answers with, which suits generated clients. \
                    Answers at once with 202 and the job, or with `Prefer: wait=N` (N ≤ 60 seconds) with 200 and the \
                    finished job, or 202 when the time is up.""")
    @ApiResponse(
            responseCode = "200",
            description = "The finished job",
            headers = {
                @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
                @Header(
                        name = JobAnswers.WARNING,
                        description = JobAnswers.WARNING_SAYS,
                        schema = @Schema(type = "string"))
            },
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = JobResponse.class)))
    @JobAnswers.Accepted
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = ImageRequest.class)))
    CompletableFuture<ResponseEntity<Object>> create(
            @RequestBody JsonNode body,
            @Parameter(
                            description = "`respond-async` or `wait=N`, RFC 7240; also `cancel-on-disconnect`",
                            example = "wait=30")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String preferences,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers,
            @Parameter(hidden = true) HttpServletRequest http);

    @GetMapping(produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "listJobs",
            summary = "The caller's jobs, newest first",
            description =
                    "Those that the same caller has posted, while they are kept. Each page says where the next one"
                            + " begins; jobs that are posted meanwhile do not move it. For queue and eta ask for a job by its id.")
    JobResponse.Page list(
            @Parameter(
                            description = "Only jobs in this state; may be repeated",
                            array =
                                    @ArraySchema(
                                            schema =
                                                    @Schema(
                                                            type = "string",
                                                            allowableValues = {
                                                                "queued",
                                                                "running",
                                                                "succeeded",
                                                                "failed",
                                                                "canceled"
                                                            })))
                    @RequestParam(name = "state", required = false)
                    @Nullable
                    List<String> state,
            @Parameter(
                            description = "So many jobs at most",
                            schema =
                                    @Schema(
                                            type = "integer",
                                            format = "int32",
                                            minimum = "1",
                                            maximum = "" + JobsController.MAX_PAGE,
                                            defaultValue = JobsController.DEFAULT_PAGE))
                    @RequestParam(name = "limit", defaultValue = JobsController.DEFAULT_PAGE)
                    int limit,
            @Parameter(
                            description = "next_cursor of the page before",
                            schema = @Schema(type = "string", pattern = Cursor.FORM))
                    @RequestParam(name = "cursor", required = false)
                    @Nullable
                    String cursor,
            @Parameter(hidden = true) HttpServletRequest http);

    @GetMapping(path = "/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "getJob",
            summary = "State, progress and result of a job",
            description = "With `wait_ms` the answer comes when the job has ended or the time is up.")
    @ApiResponse(
            responseCode = "200",
            description = "The job",
            headers =
                    @Header(
                            name = ServerTiming.HEADER,
                            description = "Once it has ended: milliseconds of queue, encode, steps, decode, store",
                            schema = @Schema(type = "string")))
    CompletableFuture<ResponseEntity<JobResponse>> get(
            @Parameter(description = "The job's id", example = "job_01k9z3v8xw5p7q2r4s6t8v0w1x") @PathVariable
                    String id,
            @Parameter(
                            description = "Longest wait for the job's end, milliseconds",
                            schema = @Schema(type = "integer", format = "int32", minimum = "0", maximum = "60000"))
                    @RequestParam(name = "wait_ms", defaultValue = "0")
                    int waitMs,
            @Parameter(hidden = true) HttpServletRequest http);

    @DeleteMapping(path = "/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "cancelJob",
            summary = "Cancel a job",
            description = "At once if it waits, within one step if it is running; one that has ended is left alone.")
    @ApiResponse(responseCode = "200", description = "The job is canceled")
    @ApiResponse(responseCode = "202", description = "The job is running and stops within one step")
    ResponseEntity<JobResponse> cancel(
            @Parameter(description = "The job's id", example = "job_01k9z3v8xw5p7q2r4s6t8v0w1x") @PathVariable
                    String id,
            @Parameter(hidden = true) HttpServletRequest http);

    @GetMapping(path = "/{id}/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(operationId = "streamJobEvents", summary = "Follow a job as server-sent events", description = """
                    Events: `snapshot` (the job as it is, first, unless Last-Event-ID is given), `queued`, `started`, \
                    `step` ({image, step, steps}), `image`, and one of `succeeded`, `failed`, `canceled` (the whole \
                    job), after which the stream ends. Reconnect with Last-Event-ID to get what was missed; 204 says \
                    that nothing more will come.""")
    @ApiResponse(
            responseCode = "200",
            description = "The events",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            schema =
                                    @Schema(
                                            type = "string",
                                            description =
                                                    "The data of each event is JSON; x-events names the schemas")))
    @ApiResponse(
            responseCode = "204",
            description = "The job has ended and the client has all its events",
            content = @Content)
    ResponseEntity<SseEmitter> events(
            @Parameter(description = "The job's id", example = "job_01k9z3v8xw5p7q2r4s6t8v0w1x") @PathVariable
                    String id,
            @Parameter(description = "Id of the last event received")
                    @RequestHeader(name = "Last-Event-ID", required = false)
                    @Nullable
                    Long lastEventId,
            @Parameter(hidden = true) HttpMethod method,
            @Parameter(hidden = true) HttpServletRequest http);

    @GetMapping("/{id}/images/{n}")
    @Operation(
            operationId = "getJobImage",
            summary = "A finished picture",
            description =
                    "In the format that Accept prefers; in output_format if it has no preference. Range gives a part."
                            + " The file carries its recipe: post it to /v1/images to draw it again.")
    @ApiResponse(
            responseCode = "200",
            description = "The picture; it never changes",
            headers = {
                @Header(name = "ETag", description = "Of the file in this format", schema = @Schema(type = "string")),
                @Header(
                        name = "Content-Disposition",
                        description = "Has a name for the file",
                        schema = @Schema(type = "string"))
            },
            content = {
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary"))
            })
    @ApiResponse(
            responseCode = "206",
            description = "The part that Range asks for",
            content = {
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary"))
            })
    @ApiResponse(responseCode = "304", description = "The client has it already", content = @Content)
    ResponseEntity<Object> image(
            @Parameter(description = "The job's id", example = "job_01k9z3v8xw5p7q2r4s6t8v0w1x") @PathVariable
                    String id,
            @Parameter(description = "0 to n − 1", schema = @Schema(type = "integer", format = "int32", minimum = "0"))
                    @PathVariable
                    int n,
            @Parameter(hidden = true) HttpMethod method,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers);

    @GetMapping("/{id}/images")
    @Operation(
            operationId = "getJobImages",
            summary = "All pictures of a job in one file",
            description = "A zip of the pictures, each in output_format; or, where Accept prefers a picture, a contact"
                    + " sheet of at most 2048 pixels a side (of a job with one picture, the picture itself).")
    @ApiResponse(
            responseCode = "200",
            description = "The pictures; they never change",
            headers =
                    @Header(
                            name = "ETag",
                            description = "Of the file in this format",
                            schema = @Schema(type = "string")),
            content = {
                @Content(mediaType = "application/zip", schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary"))
            })
    @ApiResponse(responseCode = "304", description = "The client has it already", content = @Content)
    ResponseEntity<Object> images(
            @Parameter(description = "The job's id", example = "job_01k9z3v8xw5p7q2r4s6t8v0w1x") @PathVariable
                    String id,
            @Parameter(hidden = true) HttpMethod method,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers);
}
