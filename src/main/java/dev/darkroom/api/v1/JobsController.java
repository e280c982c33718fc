package dev.darkroom.api.v1;

import dev.darkroom.api.http.Accept;
import dev.darkroom.api.http.PictureZip;
import dev.darkroom.api.http.Prefer;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.Caller;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
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
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

/** {@code /v1/jobs}: list, state, events, pictures, cancel. */
@RestController
@RequestMapping("/v1/jobs")
@Tag(name = "Jobs")
class JobsController {

    private static final int MAX_WAIT_MS = Prefer.MAX_WAIT_SECONDS * 1000;
    private static final int MAX_PAGE = 100;
    private static final String DEFAULT_PAGE = "20";

    private final ImagesController images;
    private final Jobs jobs;
    private final JobAnswers answers;
    private final JobStreams streams;
    private final Waiting waiting;
    private final Downloads downloads;

    JobsController(
            ImagesController images,
            Jobs jobs,
            JobAnswers answers,
            JobStreams streams,
            Waiting waiting,
            Downloads downloads) {
        this.images = images;
        this.jobs = jobs;
        this.answers = answers;
        this.streams = streams;
        this.waiting = waiting;
        this.downloads = downloads;
    }

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
    @ApiResponse(
            responseCode = "202",
            description = "The job is accepted and not finished yet",
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
            @Parameter(hidden = true) HttpServletRequest http) {
        return images.job(body, preferences, headers, http);
    }

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
                                            maximum = "" + MAX_PAGE,
                                            defaultValue = DEFAULT_PAGE))
                    @RequestParam(name = "limit", defaultValue = DEFAULT_PAGE)
                    int limit,
            @Parameter(
                            description = "next_cursor of the page before",
                            schema = @Schema(type = "string", pattern = Cursor.FORM))
                    @RequestParam(name = "cursor", required = false)
                    @Nullable
                    String cursor,
            @Parameter(hidden = true) HttpServletRequest http) {
        refuseEmpty("limit", http.getParameter("limit"));
        if (limit < 1 || limit > MAX_PAGE) {
            throw new Problem(
                    Problem.Code.INVALID_PARAMETER, "limit must be between 1 and " + MAX_PAGE + "; given: " + limit);
        }
        JobUrls urls = JobUrls.of(http);
        List<Job> found = jobs.list(Caller.of(http).id(), states(state), Cursor.read(cursor), limit + 1);
        List<Job> page = found.subList(0, Math.min(limit, found.size()));
        return new JobResponse.Page(
                answers.page(page, urls), found.size() > limit ? Cursor.after(page.get(limit - 1)) : null);
    }

    private static Set<JobState> states(@Nullable List<String> ids) {
        if (ids == null) {
            return EnumSet.allOf(JobState.class);
        }
        Set<JobState> states = EnumSet.noneOf(JobState.class);
        for (String id : ids.isEmpty() ? List.of("") : ids) {
            states.add(Arrays.stream(JobState.values())
                    .filter(state -> state.id().equals(id))
                    .findFirst()
                    .orElseThrow(() -> new Problem(
                            Problem.Code.INVALID_PARAMETER,
                            "state must be one of "
                                    + Arrays.stream(JobState.values())
                                            .map(JobState::id)
                                            .collect(Collectors.joining(", "))
                                    + "; given: \"" + id + "\"")));
        }
        return states;
    }

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
            @Parameter(hidden = true) HttpServletRequest http) {
        refuseEmpty("wait_ms", http.getParameter("wait_ms"));
        if (waitMs < 0 || waitMs > MAX_WAIT_MS) {
            throw new Problem(
                    Problem.Code.INVALID_PARAMETER,
                    "wait_ms must be between 0 and " + MAX_WAIT_MS + "; given: " + waitMs);
        }
        JobUrls urls = JobUrls.of(http);
        return waiting.forEnd(find(id), Duration.ofMillis(waitMs)).thenApply(job -> {
            ResponseEntity.BodyBuilder answer = ResponseEntity.ok();
            if (job.state().isFinal()) {
                answer.header(ServerTiming.HEADER, ServerTiming.of(job));
            }
            return answer.body(answers.of(job, urls));
        });
    }

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
            @Parameter(hidden = true) HttpServletRequest http) {
        Job job = jobs.cancel(id).orElseThrow(() -> Problem.jobNotFound(id));
        HttpStatus status =
                switch (job.state()) {
                    case CANCELED -> HttpStatus.OK;
                    case QUEUED, RUNNING -> HttpStatus.ACCEPTED;
                    case SUCCEEDED, FAILED ->
                        throw new Problem(
                                Problem.Code.ALREADY_ENDED,
                                "job " + id + " has " + job.state().id() + " already");
                };
        return ResponseEntity.status(status).body(answers.of(job, JobUrls.of(http)));
    }

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
            @Parameter(hidden = true) HttpServletRequest http) {
        refuseEmpty("Last-Event-ID", http.getHeader("Last-Event-ID"));
        Job job = find(id);
        if (lastEventId != null && JobStreams.isOver(job, lastEventId)) {
            return ResponseEntity.noContent().build();
        }
        // A number that the job has not reached is of another job: such a client has nothing of this one.
        Long after = lastEventId != null && lastEventId > job.lastEvent() ? null : lastEventId;
        ResponseEntity.BodyBuilder answer = ResponseEntity.ok()
                .contentType(MediaType.TEXT_EVENT_STREAM)
                .header("X-Accel-Buffering", "no")
                .header("Cache-Control", "no-store, no-transform");
        if (method.equals(HttpMethod.HEAD)) {
            return answer.build();
        }
        return answer.body(streams.open(id, Caller.of(http), JobUrls.of(http), after));
    }

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
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers) {
        Job job = find(id);
        if (n < 0 || n >= job.spec().n()) {
            throw new Problem(
                    Problem.Code.IMAGE_NOT_FOUND,
                    "job " + id + " has " + job.spec().n() + " pictures, counted from 0; there is no picture " + n);
        }
        Job.Image image = job.images().stream()
                .filter(finished -> finished.index() == n)
                .findFirst()
                .orElseThrow(() -> new Problem(
                        Problem.Code.IMAGE_NOT_READY,
                        "picture " + n + " of job " + id + " is not there; the job is "
                                + job.state().id()));
        MediaType type = Accept.of(headers).best(Downloads.pictureTypes(job.spec()));
        return downloads.picture(job, image, type).answer(method, headers);
    }

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
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers) {
        Job job = find(id);
        List<MediaType> offered = new ArrayList<>(List.of(PictureZip.TYPE));
        offered.addAll(Downloads.pictureTypes(job.spec()));
        MediaType type = Accept.of(headers).best(offered);
        if (job.state() != JobState.SUCCEEDED) {
            throw new Problem(
                    Problem.Code.IMAGE_NOT_READY,
                    "job " + id + " has not all its pictures; it is "
                            + job.state().id());
        }
        return downloads.pictures(job, type).answer(method, headers);
    }

    /** Spring takes an empty number for one that is not there. */
    private static void refuseEmpty(String name, @Nullable String given) {
        if (given != null && given.isBlank()) {
            throw new Problem(Problem.Code.INVALID_PARAMETER, name + " must be a whole number; it is empty");
        }
    }

    private Job find(String id) {
        return jobs.find(id).orElseThrow(() -> Problem.jobNotFound(id));
    }
}
