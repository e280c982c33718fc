package dev.darkroom.api.openai;

import dev.darkroom.api.http.ApiSettings;
import dev.darkroom.api.http.ApiSettings.NearestSize;
import dev.darkroom.api.http.HangUps;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.http.RequestBodies;
import dev.darkroom.api.http.RequestBodies.FieldsRead;
import dev.darkroom.api.v1.Downloads;
import dev.darkroom.api.v1.Idempotency;
import dev.darkroom.api.v1.ImagesController;
import dev.darkroom.api.v1.JobAnswers;
import dev.darkroom.api.v1.JobStreams;
import dev.darkroom.api.v1.JobUrls;
import dev.darkroom.api.v1.SignedPictures;
import dev.darkroom.api.v1.Submission;
import dev.darkroom.api.v1.Waiting;
import dev.darkroom.api.who.Caller;
import dev.darkroom.blobs.ImageStoreUnavailable;
import dev.darkroom.job.IdempotencyKey;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobEvent;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Size;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import org.springframework.web.servlet.support.ServletUriComponentsBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code POST /v1/images/generations}: the same jobs in the shape of OpenAI's clients, which can only wait. So a job ends
 * with its request: it is canceled when the client hangs up, and fails when the client would have given up. With an {@code
 * Idempotency-Key} the client may come back, also for a stream, which is told again from its beginning.
 */
@RestController
public class OpenAiImagesController implements OpenAiImagesApi {

    public static final String PATH = "/v1/images/generations";

    /** Our names of fields that have others here. */
    public static final Map<String, String> NAMES = Map.of(
            "width", "size",
            "height", "size",
            "steps", "num_inference_steps",
            "previews", "partial_images");

    /** Under it all answers have OpenAI's shape. */
    public static final String FAMILY = "/v1/images/";

    /** Beyond the job's own time: it ends, not the wait. */
    private static final Duration WAIT = Duration.ofSeconds(OpenAiImageRequest.MAX_SECONDS + 30);

    private final Submission submission;
    private final Jobs jobs;
    private final JobAnswers answers;
    private final Waiting waiting;
    private final JobStreams streams;
    private final Downloads downloads;
    private final SignedPictures signed;
    private final Idempotency idempotency;
    private final RequestBodies bodies;
    private final ApiSettings settings;
    private final JsonMapper json;

    OpenAiImagesController(
            Submission submission,
            Jobs jobs,
            JobAnswers answers,
            Waiting waiting,
            JobStreams streams,
            Downloads downloads,
            SignedPictures signed,
            Idempotency idempotency,
            RequestBodies bodies,
            ApiSettings settings,
            JsonMapper json) {
        this.submission = submission;
        this.jobs = jobs;
        this.answers = answers;
        this.waiting = waiting;
        this.streams = streams;
        this.downloads = downloads;
        this.signed = signed;
        this.idempotency = idempotency;
        this.bodies = bodies;
        this.settings = settings;
        this.json = json;
    }

    @Override
    public Object generate(
            JsonNode body, @Nullable String version, HttpServletRequest http, HttpServletResponse answer) {
        FieldsRead<OpenAiImageRequest> read = bodies.read(body, OpenAiImageRequest.class);
        OpenAiImageRequest request = read.request();
        IdempotencyKey key = idempotency.key(http, request, OpenAiImageRequest.FIRST_FIELDS);
        Optional<Job> earlier = submission.earlier(key, read);
        Caller caller = Caller.of(http);
        boolean abandonable = key == null;
        Supplier<Job> accepted = () -> {
            Job job = earlier.orElseGet(() -> submit(read, caller, key));
            answer.setHeader(HttpHeaders.LOCATION, JobUrls.of(http).job(job.id()));
            differing(request, job)
                    .ifPresent(size -> answer.setHeader(ImagesController.REQUESTED_SIZE, size.toString()));
            answers.warnings(job).forEach(warning -> answer.addHeader(JobAnswers.WARNING, JobAnswers.header(warning)));
            return job;
        };
        if (request.streams()) {
            answer.setHeader("X-Accel-Buffering", "no");
            answer.setHeader(HttpHeaders.CACHE_CONTROL, "no-store, no-transform");
            return streams.open(caller, JobUrls.of(http), () -> new Events(accepted.get(), abandonable));
        }
        Job job = accepted.get();
        String base = request.wantsUrls()
                ? ServletUriComponentsBuilder.fromContextPath(http).toUriString()
                : null;
        DeferredResult<ResponseEntity<Object>> result =
                new DeferredResult<>(WAIT.plusSeconds(30).toMillis());
        CompletableFuture<Job> end =
                abandonable ? waiting.forEnd(job, WAIT, HangUps.probe(http)) : waiting.forEnd(job, WAIT);
        end.thenApply(ended -> ResponseEntity.ok()
                        .contentType(MediaType.APPLICATION_JSON)
                        .<Object>body(pictures(ended, differing(request, ended).orElse(null), base, abandonable)))
                .whenComplete((pictures, failure) -> {
                    if (failure == null) {
                        result.setResult(pictures);
                    } else {
                        result.setErrorResult(
                                failure instanceof CompletionException
                                        ? Objects.requireNonNull(failure.getCause())
                                        : failure);
                    }
                });
        return result;
    }

    @Override
    public Object other(String other) {
        throw new Problem(
                Problem.Code.NOT_FOUND,
                "there is no " + FAMILY + other + "; pictures are drawn from prompts alone, by POST " + PATH);
    }

    /** The size that was asked for, if another is drawn. */
    private static Optional<Size> differing(OpenAiImageRequest request, Job job) {
        return request.wantedSize()
                .filter(wanted -> !wanted.equals(job.request().size()));
    }

    private Job submit(FieldsRead<OpenAiImageRequest> read, Caller caller, @Nullable IdempotencyKey key) {
        OpenAiImageRequest request = read.request();
        Submission.Checked checked = submission.check(
                read,
                request.violations(),
                request::options,
                () -> model(request),
                request.draft(),
                settings.nearestSize() != NearestSize.NEVER,
                OpenAiImagesController::renamed);
        return submission.submit(checked, caller, key);
    }

    private ModelInfo model(OpenAiImageRequest request) {
        String wanted = request.wantedModel();
        List<ModelInfo> served = submission.served();
        return find(served, wanted)
                .or(() -> request.namesOpenAisModel() ? find(served, settings.openaiModel()) : Optional.empty())
                .orElseThrow(() -> new Problem(
                        Problem.Code.MODEL_NOT_FOUND,
                        "model must be one of "
                                + served.stream().map(ModelInfo::id).collect(Collectors.joining(", ")) + "; given: \""
                                + wanted + "\""
                                + (request.namesOpenAisModel()
                                        ? ", for which darkroom.openai-model says " + settings.openaiModel()
                                        : "")));
    }

    private static Optional<ModelInfo> find(List<ModelInfo> served, @Nullable String id) {
        return served.stream()
                .filter(model -> id == null || model.id().equals(id))
                .findFirst();
    }

    /** By the names that these fields have here, one violation a field: of width and height, size has both. */
    private static List<Violation> renamed(List<Violation> ours) {
        List<Violation> wrong = new ArrayList<>();
        for (Violation violation : ours) {
            String name = NAMES.get(violation.field());
            wrong.add(
                    name == null
                            ? violation
                            : new Violation(name, violation.rule(), name + ": " + violation.message()));
        }
        return wrong;
    }

    /**
     * @param requested the size that was asked for, if another is drawn
     * @param base of absolute URLs, if they are wanted in place of the pictures themselves
     * @param abandonable whether nobody can come back for the job
     */
    private OpenAiImages pictures(Job job, @Nullable Size requested, @Nullable String base, boolean abandonable) {
        if (job.state() != JobState.SUCCEEDED) {
            if (abandonable) {
                jobs.cancel(job.id()); // the server shuts down, and the client will ask another
            }
            throw unfinished(job);
        }
        List<OpenAiImages.Image> data = job.images().stream()
                .map(image -> base == null
                        ? new OpenAiImages.Image(bytes(job, image), null, image.seed())
                        : new OpenAiImages.Image(null, base + signed.address(job, image), image.seed()))
                .toList();
        return new OpenAiImages(
                Objects.requireNonNullElse(job.finishedAt(), job.createdAt()).getEpochSecond(),
                data,
                OpenAiImages.OPAQUE,
                job.request().output().format().id(),
                job.request().size().toString(),
                requested == null ? null : requested.toString());
    }

    private byte[] bytes(Job job, Job.Image image) {
        MediaType type = Downloads.pictureTypes(job.request()).get(0);
        return (byte[]) downloads.picture(job, image, type).content().get();
    }

    private static Problem unfinished(Job job) {
        Job.Failure failure = job.failure();
        if (failure != null) {
            return new Problem(Problem.Code.JOB_FAILED, failure.code() + ": " + failure.message());
        }
        return job.state() == JobState.CANCELED
                ? new Problem(Problem.Code.JOB_CANCELED, "the job was canceled while the picture was waited for")
                : new Problem(Problem.Code.NO_MODEL_READY, "the server shuts down; try again in a moment")
                        .with(HttpHeaders.RETRY_AFTER, "2");
    }

    /** The stream's events. */
    private final class Events implements JobStreams.Wording {

        private final Job job;
        private final boolean abandonable;
        private int partials;

        Events(Job job, boolean abandonable) {
            this.job = job;
            this.abandonable = abandonable;
        }

        @Override
        public String jobId() {
            return job.id();
        }

        @Override
        public SseEmitter.SseEventBuilder of(JobEvent event) {
            return switch (event.type()) {
                case QUEUED, STARTED, IMAGE ->
                    SseEmitter.event().comment(event.type().id());
                case STEP -> step(event);
                case SUCCEEDED -> completed();
                case FAILED, CANCELED -> failed();
            };
        }

        private SseEmitter.SseEventBuilder step(JobEvent event) {
            JsonNode preview = json.readTree(event.data()).path("preview");
            if (preview.isMissingNode()) {
                return SseEmitter.event().comment(event.type().id());
            }
            MediaType type =
                    MediaType.parseMediaType(preview.get("content_type").stringValue());
            return event(
                    OpenAiImages.PARTIAL_TYPE,
                    new OpenAiImages.Partial(
                            OpenAiImages.PARTIAL_TYPE,
                            preview.get("data").binaryValue(),
                            partials++,
                            event.at().getEpochSecond(),
                            job.request().size().toString(),
                            OpenAiImages.AUTO,
                            OpenAiImages.OPAQUE,
                            type.getSubtype()));
        }

        private SseEmitter.SseEventBuilder completed() {
            Job ended = jobs.find(job.id()).orElseThrow();
            Job.Image image = ended.images().get(0);
            byte[] bytes;
            try {
                bytes = bytes(ended, image);
            } catch (ImageStoreUnavailable e) {
                return failed(
                        Problem.Code.IMAGE_STORE_UNAVAILABLE, "the picture cannot be had from where pictures are kept");
            }
            return event(
                    OpenAiImages.COMPLETED_TYPE,
                    new OpenAiImages.Completed(
                            OpenAiImages.COMPLETED_TYPE,
                            bytes,
                            Objects.requireNonNullElse(ended.finishedAt(), ended.createdAt())
                                    .getEpochSecond(),
                            ended.request().size().toString(),
                            OpenAiImages.AUTO,
                            OpenAiImages.OPAQUE,
                            ended.request().output().format().id(),
                            image.seed(),
                            OpenAiImages.Usage.NONE));
        }

        private SseEmitter.SseEventBuilder failed() {
            Problem problem = unfinished(jobs.find(job.id()).orElseThrow());
            return failed(problem.code(), String.valueOf(problem.getMessage()));
        }

        private static SseEmitter.SseEventBuilder failed(Problem.Code code, String message) {
            return event("error", OpenAiError.of(code, message));
        }

        private static SseEmitter.SseEventBuilder event(String name, Object data) {
            return SseEmitter.event().name(name).data(data, MediaType.APPLICATION_JSON);
        }

        @Override
        public SseEmitter.SseEventBuilder cut() {
            return failed();
        }

        @Override
        public void over() {
            if (abandonable) {
                jobs.cancel(job.id()); // unless it has ended, the client has gone
            }
        }
    }
}
