package dev.darkroom.api;

import dev.darkroom.job.Job;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Models;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.InvalidImageSpec;
import dev.darkroom.spec.InvalidImageSpec.Violation;
import dev.darkroom.spec.JobOptions;
import dev.darkroom.spec.ModelInfo;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** {@code POST /v1/images}: a prompt becomes a job, or, for a client that waits, the picture. */
@RestController
@Tag(name = "Images")
class ImagesController {

    private static final Duration PICTURE_WAIT = Duration.ofSeconds(Prefer.MAX_WAIT_SECONDS);

    private final Models models;
    private final Jobs jobs;
    private final Waiting waiting;

    ImagesController(Models models, Jobs jobs, Waiting waiting) {
        this.models = models;
        this.jobs = jobs;
        this.waiting = waiting;
    }

    @PostMapping(
            path = "/v1/images",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.IMAGE_PNG_VALUE})
    @Operation(operationId = "createImages", summary = "Draw pictures", description = """
                    Accepts a job and answers at once with 202 and its Location. With `Prefer: wait=N` (N ≤ 60 seconds) \
                    the answer waits: 200 with the finished job, or 202 with the job as it is when the time runs out. \
                    With `Prefer: wait=N, cancel-on-disconnect` the job is canceled if the client hangs up while it waits. \
                    With `Accept: image/png` the answer is the picture itself (n must be 1); it waits 60 seconds \
                    unless Prefer says otherwise, and falls back to 202 with the job as JSON.""")
    @ApiResponse(
            responseCode = "200",
            description = "The finished job, or its picture",
            headers = {
                @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
                @Header(
                        name = "Darkroom-Seed",
                        description = "The picture's seed, with image/png",
                        schema = @Schema(type = "integer", format = "int64"))
            },
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = JobResponse.class)),
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary"))
            })
    @ApiResponse(
            responseCode = "202",
            description = "The job is accepted and not finished yet",
            headers = @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = JobResponse.class)))
    CompletableFuture<ResponseEntity<Object>> create(
            @RequestBody ImageRequest request,
            @Parameter(
                            description = "`respond-async` or `wait=N`, RFC 7240; also `cancel-on-disconnect`",
                            example = "wait=30")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String preferences,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers,
            HttpServletRequest http) {
        Prefer prefer = Prefer.parse(preferences);
        boolean picture = wantsPicture(headers.getAccept());
        List<Violation> wrong = new ArrayList<>();
        JobOptions options = valid(wrong, request::options);
        ImageSpec spec = valid(wrong, () -> spec(request));
        if (options == null || spec == null) {
            throw new InvalidImageSpec(wrong);
        }
        if (picture && spec.n() != 1) {
            throw new InvalidImageSpec(List.of(new Violation(
                    "n", "single_picture", "n must be 1 when the answer is the picture itself; given: " + spec.n())));
        }
        Job job = jobs.submit(spec, options, Caller.of(http));
        Duration wait = prefer.atMost(picture ? PICTURE_WAIT : Duration.ZERO);
        CompletableFuture<Job> end = prefer.cancelOnDisconnect()
                ? waiting.forEnd(job, wait, HangUps.probe(http))
                : waiting.forEnd(job, wait);
        return end.thenApply(seen -> {
            HttpHeaders answer = new HttpHeaders();
            answer.setLocation(JobUrls.job(seen.id()));
            if (prefer.applied() != null) {
                answer.add("Preference-Applied", prefer.applied());
            }
            if (!seen.state().isFinal()) {
                return json(HttpStatus.ACCEPTED, answer, seen);
            }
            return picture ? picture(answer, seen) : json(HttpStatus.OK, answer, seen);
        });
    }

    /** Keeps what is wrong, so that all wrong fields are told at once. */
    private static <T> @Nullable T valid(List<Violation> wrong, Supplier<T> part) {
        try {
            return part.get();
        } catch (InvalidImageSpec e) {
            wrong.addAll(e.violations());
            return null;
        }
    }

    private ImageSpec spec(ImageRequest request) {
        List<ModelInfo> served = models.all();
        if (served.isEmpty()) {
            throw new Problem(Problem.Code.NO_MODEL_READY, "no worker has a model ready yet; try again in a moment")
                    .with(HttpHeaders.RETRY_AFTER, "2");
        }
        String wanted = request.model();
        if (wanted == null) {
            return ImageSpec.of(request.draft(), served.get(0));
        }
        ModelInfo info = served.stream()
                .filter(model -> model.id().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new InvalidImageSpec(List.of(new Violation(
                        "model",
                        "unknown_model",
                        "model must be one of "
                                + served.stream().map(ModelInfo::id).collect(Collectors.joining(", ")) + "; given: \""
                                + wanted + "\""))));
        return ImageSpec.of(request.draft(), info);
    }

    /** Whether a picture comes before JSON in what the client accepts. */
    private static boolean wantsPicture(List<MediaType> accept) {
        List<MediaType> byPreference = new ArrayList<>(accept);
        MimeTypeUtils.sortBySpecificity(byPreference);
        for (MediaType type : byPreference) {
            if (type.isCompatibleWith(MediaType.APPLICATION_JSON)) {
                return false;
            }
            if (type.isCompatibleWith(MediaType.IMAGE_PNG)) {
                return true;
            }
        }
        return false;
    }

    private ResponseEntity<Object> json(HttpStatus status, HttpHeaders headers, Job job) {
        return ResponseEntity.status(status)
                .headers(headers)
                .contentType(MediaType.APPLICATION_JSON)
                .body(JobResponse.of(job, jobs.outlook(job)));
    }

    private ResponseEntity<Object> picture(HttpHeaders headers, Job job) {
        String url = JobUrls.job(job.id()).toString();
        if (job.state() == JobState.CANCELED) {
            throw new Problem(Problem.Code.JOB_CANCELED, "the job was canceled while the picture was waited for")
                    .with(HttpHeaders.LOCATION, url);
        }
        Job.Failure failure = job.failure();
        if (failure != null) {
            throw new Problem(Problem.Code.JOB_FAILED, failure.code() + ": " + failure.message())
                    .with(HttpHeaders.LOCATION, url);
        }
        Job.Image image = job.images().get(0);
        return ResponseEntity.ok()
                .headers(headers)
                .header(HttpHeaders.CONTENT_LOCATION, JobUrls.image(job.id(), image.index()))
                .header("Darkroom-Seed", Long.toString(image.seed()))
                .eTag(image.hash())
                .contentType(MediaType.IMAGE_PNG)
                .body(new ByteArrayResource(jobs.picture(image)));
    }
}
