package dev.darkroom.api.v1;

import dev.darkroom.api.http.Accept;
import dev.darkroom.api.http.ApiSettings;
import dev.darkroom.api.http.ApiSettings.NearestSize;
import dev.darkroom.api.http.HangUps;
import dev.darkroom.api.http.PictureZip;
import dev.darkroom.api.http.Prefer;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.http.RequestBodies;
import dev.darkroom.api.http.RequestBodies.FieldsRead;
import dev.darkroom.api.who.Caller;
import dev.darkroom.fleet.Models;
import dev.darkroom.job.IdempotencyKey;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.ImageDraft;
import dev.darkroom.request.ImageSpec;
import dev.darkroom.request.InvalidImageSpec;
import dev.darkroom.request.InvalidImageSpec.Violation;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.OtherNames;
import dev.darkroom.request.Rule;
import dev.darkroom.request.Warning;
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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code POST /v1/images}: a prompt, or a picture's recipe, becomes a job, or, for a client that waits, the picture. */
@RestController
@Tag(name = "Images")
public class ImagesController {

    /** Beside a picture of another size than was asked for. */
    public static final String REQUESTED_SIZE = "Darkroom-Requested-Size";

    private static final Duration PICTURE_WAIT = Duration.ofSeconds(Prefer.MAX_WAIT_SECONDS);

    private final Models models;
    private final Jobs jobs;
    private final JobAnswers answers;
    private final Waiting waiting;
    private final Downloads downloads;
    private final Idempotency idempotency;
    private final RequestBodies bodies;
    private final ApiSettings settings;
    private final JsonMapper json;

    ImagesController(
            Models models,
            Jobs jobs,
            JobAnswers answers,
            Waiting waiting,
            Downloads downloads,
            Idempotency idempotency,
            RequestBodies bodies,
            ApiSettings settings,
            JsonMapper json) {
        this.models = models;
        this.jobs = jobs;
        this.answers = answers;
        this.waiting = waiting;
        this.downloads = downloads;
        this.idempotency = idempotency;
        this.bodies = bodies;
        this.settings = settings;
        this.json = json;
    }

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
            HttpServletRequest http) {
        return draw(bodies.read(body, ImageRequest.class), preferences, headers, http, true);
    }

    /** The same with JSON alone, as the answer too. */
    CompletableFuture<ResponseEntity<Object>> job(
            JsonNode body, @Nullable String preferences, HttpHeaders headers, HttpServletRequest http) {
        return draw(bodies.read(body, ImageRequest.class), preferences, headers, http, false);
    }

    /** The other bodies of {@link #create}, with whose description they share the OpenAPI document's operation. */
    @PostMapping(
            path = "/v1/images",
            consumes = {MediaType.IMAGE_PNG_VALUE, MediaType.IMAGE_JPEG_VALUE, "image/webp"})
    @Hidden
    CompletableFuture<ResponseEntity<Object>> drawAgain(
            HttpServletRequest body,
            @RequestHeader(name = "Prefer", required = false) @Nullable String preferences,
            @RequestHeader HttpHeaders headers)
            throws IOException {
        PictureFile file = PictureFile.read(body.getInputStream());
        MediaType said = headers.getContentType();
        if (said == null
                || !said.equalsTypeAndSubtype(
                        MediaType.parseMediaType(file.format().mediaType()))) {
            throw new Problem(
                    Problem.Code.UNSUPPORTED_MEDIA_TYPE,
                    "the body is " + file.format().mediaType() + "; Content-Type says " + said);
        }
        Recipe recipe = file.recipe()
                .orElseThrow(() -> new Problem(
                        Problem.Code.NO_RECIPE, "the picture has no recipe: neither Darkroom's nor a text parameters"));
        if (!recipe.unsupported().isEmpty()) {
            throw new Problem(
                    Problem.Code.UNSUPPORTED_RECIPE,
                    "the picture's text says what a request cannot: " + String.join("; ", recipe.unsupported()));
        }
        return draw(
                bodies.read(json.valueToTree(recipe.request()), ImageRequest.class), preferences, headers, body, true);
    }

    private CompletableFuture<ResponseEntity<Object>> draw(
            FieldsRead<ImageRequest> read,
            @Nullable String preferences,
            HttpHeaders headers,
            HttpServletRequest http,
            boolean files) {
        ImageRequest request = read.request();
        Prefer prefer = Prefer.parse(preferences);
        IdempotencyKey key = idempotency.key(http, request);
        if (key != null && prefer.cancelOnDisconnect()) {
            throw new Problem(
                    Problem.Code.INVALID_PREFER,
                    "cancel-on-disconnect and Idempotency-Key exclude each other: with a key the client may come back");
        }
        Optional<Job> earlier = key == null || !read.wrong().isEmpty() ? Optional.empty() : jobs.find(key);
        MediaType type;
        Job job;
        if (earlier.isPresent()) {
            job = earlier.get();
            type = negotiated(headers, job.spec(), files);
        } else {
            List<Violation> wrong = new ArrayList<>();
            JobOptions options = valid(wrong, request::options);
            ImageSpec spec = valid(wrong, () -> spec(request));
            wrong = read.with(wrong);
            if (options == null || spec == null || !wrong.isEmpty()) {
                throw new InvalidImageSpec(wrong);
            }
            type = negotiated(headers, spec, files);
            Caller caller = Caller.of(http);
            job = key == null
                    ? jobs.submit(spec, options, caller.id(), caller.quota())
                    : jobs.submit(spec, options, key, caller.quota());
        }
        boolean pictures = !type.equals(MediaType.APPLICATION_JSON);
        JobUrls urls = JobUrls.of(http);
        Duration wait = prefer.atMost(pictures ? PICTURE_WAIT : Duration.ZERO);
        CompletableFuture<Job> end = prefer.cancelOnDisconnect()
                ? waiting.forEnd(job, wait, HangUps.probe(http))
                : waiting.forEnd(job, wait);
        return end.thenApply(seen -> {
            HttpHeaders answer = new HttpHeaders();
            answer.set(HttpHeaders.LOCATION, urls.job(seen.id()));
            request.wantedSize(seen.spec()).ifPresent(size -> answer.set(REQUESTED_SIZE, size.toString()));
            List<Warning> warnings = answers.warnings(seen);
            warnings.forEach(warning -> answer.add(JobAnswers.WARNING, JobAnswers.header(warning)));
            if (prefer.applied() != null) {
                answer.add("Preference-Applied", prefer.applied());
            }
            if (seen.state().isFinal()) {
                answer.set(ServerTiming.HEADER, ServerTiming.of(seen));
            }
            if (pictures && seen.state().isFinal()) {
                return pictures(answer, seen, type, urls);
            }
            return json(answer, seen, key, urls, warnings);
        });
    }

    private static MediaType negotiated(HttpHeaders headers, ImageSpec spec, boolean files) {
        List<MediaType> offered = new ArrayList<>(List.of(MediaType.APPLICATION_JSON));
        if (files) {
            offered.addAll(Downloads.pictureTypes(spec));
            offered.add(PictureZip.TYPE);
        }
        return Accept.of(headers).best(offered);
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
            return spec(request, served.get(0));
        }
        ModelInfo info = served.stream()
                .filter(model -> model.id().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new InvalidImageSpec(List.of(new Violation(
                        "model",
                        Rule.UNKNOWN_MODEL,
                        "model must be one of "
                                + served.stream().map(ModelInfo::id).collect(Collectors.joining(", ")) + "; given: \""
                                + wanted + "\""
                                + OtherNames.ofModel(
                                        wanted,
                                        served.stream().map(ModelInfo::id).toList())))));
        return spec(request, info);
    }

    private ImageSpec spec(ImageRequest request, ModelInfo info) {
        ImageDraft draft = request.draft();
        return ImageSpec.of(settings.nearestSize() == NearestSize.ALWAYS ? draft.fitted(info) : draft, info);
    }

    private ResponseEntity<Object> json(
            HttpHeaders headers, Job job, @Nullable IdempotencyKey key, JobUrls urls, List<Warning> warnings) {
        HttpStatus status = job.state().isFinal() ? HttpStatus.OK : HttpStatus.ACCEPTED;
        IdempotencyKey.Answer answer =
                new IdempotencyKey.Answer(status.value(), json.writeValueAsString(answers.of(job, urls, warnings)));
        if (key != null) {
            answer = jobs.firstAnswer(key, answer);
        }
        return ResponseEntity.status(answer.status())
                .headers(headers)
                .contentType(MediaType.APPLICATION_JSON)
                .body(answer.body().getBytes(StandardCharsets.UTF_8));
    }

    private ResponseEntity<Object> pictures(HttpHeaders headers, Job job, MediaType type, JobUrls urls) {
        String url = urls.job(job.id());
        if (job.state() == JobState.CANCELED) {
            throw new Problem(Problem.Code.JOB_CANCELED, "the job was canceled while the picture was waited for")
                    .with(HttpHeaders.LOCATION, url);
        }
        Job.Failure failure = job.failure();
        if (failure != null) {
            throw new Problem(Problem.Code.JOB_FAILED, failure.code() + ": " + failure.message())
                    .with(HttpHeaders.LOCATION, url);
        }
        headers.set(
                HttpHeaders.CONTENT_LOCATION,
                job.spec().n() == 1 && !type.equals(PictureZip.TYPE) ? urls.image(job.id(), 0) : urls.images(job.id()));
        headers.set("Darkroom-Seed", Long.toString(job.spec().seed()));
        return downloads.pictures(job, type).whole(headers);
    }
}
