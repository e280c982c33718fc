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
import dev.darkroom.job.IdempotencyKey;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.InvalidRequest;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.OtherNames;
import dev.darkroom.request.Request;
import dev.darkroom.request.Rule;
import dev.darkroom.request.Warning;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code POST /v1/images}: a prompt, or a picture's recipe, becomes a job, or, for a client that waits, the picture. */
@RestController
public class ImagesController implements ImagesApi {

    /** Has the size that was asked for, where the model does not draw it and the nearest one was drawn. */
    public static final String REQUESTED_SIZE = "Darkroom-Requested-Size";

    private static final Duration PICTURE_WAIT = Duration.ofSeconds(Prefer.MAX_WAIT_SECONDS);

    private final Submission submission;
    private final Jobs jobs;
    private final JobAnswers answers;
    private final Waiting waiting;
    private final Downloads downloads;
    private final Idempotency idempotency;
    private final RequestBodies bodies;
    private final ApiSettings settings;
    private final JsonMapper json;

    ImagesController(
            Submission submission,
            Jobs jobs,
            JobAnswers answers,
            Waiting waiting,
            Downloads downloads,
            Idempotency idempotency,
            RequestBodies bodies,
            ApiSettings settings,
            JsonMapper json) {
        this.submission = submission;
        this.jobs = jobs;
        this.answers = answers;
        this.waiting = waiting;
        this.downloads = downloads;
        this.idempotency = idempotency;
        this.bodies = bodies;
        this.settings = settings;
        this.json = json;
    }

    @Override
    public CompletableFuture<ResponseEntity<Object>> create(
            JsonNode body, @Nullable String preferences, HttpHeaders headers, HttpServletRequest http) {
        return draw(bodies.read(body, ImageRequest.class), preferences, headers, http, true);
    }

    /** The same with JSON alone, as the answer too. */
    CompletableFuture<ResponseEntity<Object>> job(
            JsonNode body, @Nullable String preferences, HttpHeaders headers, HttpServletRequest http) {
        return draw(bodies.read(body, ImageRequest.class), preferences, headers, http, false);
    }

    @Override
    public CompletableFuture<ResponseEntity<Object>> drawAgain(
            HttpServletRequest body, @Nullable String preferences, HttpHeaders headers) throws IOException {
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
        IdempotencyKey key = idempotency.key(http, request, ImageRequest.FIRST_FIELDS);
        if (key != null && prefer.cancelOnDisconnect()) {
            throw new Problem(
                    Problem.Code.INVALID_PREFER,
                    "cancel-on-disconnect and Idempotency-Key exclude each other: with a key the client may come back");
        }
        Optional<Job> earlier = submission.earlier(key, read);
        MediaType type;
        Job job;
        if (earlier.isPresent()) {
            job = earlier.get();
            type = negotiated(headers, job.request(), files);
        } else {
            Submission.Checked checked = submission.check(
                    read,
                    List.of(),
                    request::options,
                    () -> model(request.draft().model()),
                    request.draft(),
                    settings.nearestSize() == NearestSize.ALWAYS,
                    found -> found);
            type = negotiated(headers, checked.request(), files);
            job = submission.submit(checked, Caller.of(http), key);
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
            request.wantedSize(seen.request()).ifPresent(size -> answer.set(REQUESTED_SIZE, size.toString()));
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

    private static MediaType negotiated(HttpHeaders headers, Request drawn, boolean files) {
        List<MediaType> offered = new ArrayList<>(List.of(MediaType.APPLICATION_JSON));
        if (files) {
            offered.addAll(Downloads.pictureTypes(drawn));
            offered.add(PictureZip.TYPE);
        }
        return Accept.of(headers).best(offered);
    }

    private ModelInfo model(@Nullable String wanted) {
        List<ModelInfo> served = submission.served();
        if (wanted == null) {
            return served.get(0);
        }
        List<String> names = served.stream().map(ModelInfo::id).toList();
        return served.stream()
                .filter(model -> model.id().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new InvalidRequest(List.of(new Violation(
                        "model",
                        Rule.UNKNOWN_MODEL,
                        "model must be one of " + String.join(", ", names) + "; given: \"" + wanted + "\""
                                + OtherNames.ofModel(wanted, names)))));
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
                job.request().seeds().count() == 1 && !type.equals(PictureZip.TYPE)
                        ? urls.image(job.id(), 0)
                        : urls.images(job.id()));
        headers.set("Darkroom-Seed", Long.toString(job.request().seeds().first()));
        return downloads.pictures(job, type).whole(headers);
    }
}
