package dev.darkroom.api;

import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** {@code /v1/jobs}: state, events, pictures, cancel. */
@RestController
@RequestMapping("/v1/jobs/{id}")
@Tag(name = "Jobs")
class JobsController {

    private static final int MAX_WAIT_MS = Prefer.MAX_WAIT_SECONDS * 1000;

    private final Jobs jobs;
    private final JobStreams streams;
    private final Waiting waiting;

    JobsController(Jobs jobs, JobStreams streams, Waiting waiting) {
        this.jobs = jobs;
        this.streams = streams;
        this.waiting = waiting;
    }

    @GetMapping(produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "getJob",
            summary = "State, progress and result of a job",
            description = "With `wait_ms` the answer comes when the job has ended or the time is up.")
    CompletableFuture<JobResponse> get(
            @PathVariable String id,
            @Parameter(
                            description = "Longest wait for the job's end, milliseconds",
                            schema = @Schema(type = "integer", format = "int32", minimum = "0", maximum = "60000"))
                    @RequestParam(name = "wait_ms", defaultValue = "0")
                    int waitMs) {
        if (waitMs < 0 || waitMs > MAX_WAIT_MS) {
            throw new Problem(
                    Problem.Code.INVALID_PARAMETER,
                    "wait_ms must be between 0 and " + MAX_WAIT_MS + "; given: " + waitMs);
        }
        return waiting.forEnd(find(id), Duration.ofMillis(waitMs))
                .thenApply(job -> JobResponse.of(job, jobs.outlook(job)));
    }

    @DeleteMapping(produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(operationId = "cancelJob", summary = "Cancel a job; a running one stops within one step")
    @ApiResponse(responseCode = "200", description = "The job is canceled")
    @ApiResponse(responseCode = "202", description = "The job is running and stops within one step")
    ResponseEntity<JobResponse> cancel(@PathVariable String id) {
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
        return ResponseEntity.status(status).body(JobResponse.of(job, jobs.outlook(job)));
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(operationId = "streamJobEvents", summary = "Follow a job as server-sent events", description = """
                    Events: `snapshot` (the job as it is, first, unless Last-Event-ID is given), `queued`, `started`, \
                    `step` ({image, step, steps}), `image`, and one of `succeeded`, `failed`, `canceled` (the whole \
                    job), after which the stream ends. Reconnect with Last-Event-ID to get what was missed; 204 says \
                    that nothing more will come.""")
    @ApiResponse(
            responseCode = "200",
            description = "The events",
            content = @Content(mediaType = MediaType.TEXT_EVENT_STREAM_VALUE, schema = @Schema(type = "string")))
    @ApiResponse(
            responseCode = "204",
            description = "The job has ended and the client has all its events",
            content = @Content)
    ResponseEntity<SseEmitter> events(
            @PathVariable String id,
            @Parameter(description = "Id of the last event received")
                    @RequestHeader(name = "Last-Event-ID", required = false)
                    @Nullable
                    Long lastEventId) {
        Job job = find(id);
        if (lastEventId != null && JobStreams.isOver(job, lastEventId)) {
            return ResponseEntity.noContent().build();
        }
        return ResponseEntity.ok()
                .contentType(MediaType.TEXT_EVENT_STREAM)
                .header("X-Accel-Buffering", "no")
                .header("Cache-Control", "no-store, no-transform")
                .body(streams.open(id, lastEventId));
    }

    @GetMapping(path = "/images/{n}", produces = MediaType.IMAGE_PNG_VALUE)
    @Operation(operationId = "getJobImage", summary = "A finished picture")
    @ApiResponse(
            responseCode = "200",
            description = "The picture; it never changes",
            content =
                    @Content(
                            mediaType = MediaType.IMAGE_PNG_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    ResponseEntity<Resource> image(
            @PathVariable String id,
            @Parameter(description = "0 to n − 1", schema = @Schema(type = "integer", format = "int32", minimum = "0"))
                    @PathVariable
                    int n) {
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
        return ResponseEntity.ok()
                .eTag(image.hash())
                .cacheControl(
                        CacheControl.maxAge(Duration.ofDays(365)).cachePrivate().immutable())
                .contentType(MediaType.IMAGE_PNG)
                .body(new ByteArrayResource(jobs.picture(image)));
    }

    private Job find(String id) {
        return jobs.find(id).orElseThrow(() -> Problem.jobNotFound(id));
    }
}
