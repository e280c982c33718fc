package dev.darkroom.api.v1;

import dev.darkroom.api.http.Accept;
import dev.darkroom.api.http.PictureZip;
import dev.darkroom.api.http.Prefer;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.Caller;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobState;
import dev.darkroom.job.Jobs;
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
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

/** {@code /v1/jobs}: list, state, events, pictures, cancel. */
@RestController
class JobsController implements JobsApi {

    private static final int MAX_WAIT_MS = Prefer.MAX_WAIT_SECONDS * 1000;
    static final int MAX_PAGE = 100;
    static final String DEFAULT_PAGE = "20";

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

    @Override
    public CompletableFuture<ResponseEntity<Object>> create(
            JsonNode body, @Nullable String preferences, HttpHeaders headers, HttpServletRequest http) {
        return images.job(body, preferences, headers, http);
    }

    @Override
    public JobResponse.Page list(
            @Nullable List<String> state, int limit, @Nullable String cursor, HttpServletRequest http) {
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

    @Override
    public CompletableFuture<ResponseEntity<JobResponse>> get(String id, int waitMs, HttpServletRequest http) {
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

    @Override
    public ResponseEntity<JobResponse> cancel(String id, HttpServletRequest http) {
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

    @Override
    public ResponseEntity<SseEmitter> events(
            String id, @Nullable Long lastEventId, HttpMethod method, HttpServletRequest http) {
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

    @Override
    public ResponseEntity<Object> image(String id, int n, HttpMethod method, HttpHeaders headers) {
        Job job = find(id);
        if (n < 0 || n >= job.request().seeds().count()) {
            throw new Problem(
                    Problem.Code.IMAGE_NOT_FOUND,
                    "job " + id + " has " + job.request().seeds().count()
                            + " pictures, counted from 0; there is no picture " + n);
        }
        Job.Image image = job.images().stream()
                .filter(finished -> finished.index() == n)
                .findFirst()
                .orElseThrow(() -> new Problem(
                        Problem.Code.IMAGE_NOT_READY,
                        "picture " + n + " of job " + id + " is not there; the job is "
                                + job.state().id()));
        MediaType type = Accept.of(headers).best(Downloads.pictureTypes(job.request()));
        return downloads.picture(job, image, type).answer(method, headers);
    }

    @Override
    public ResponseEntity<Object> images(String id, HttpMethod method, HttpHeaders headers) {
        Job job = find(id);
        List<MediaType> offered = new ArrayList<>(List.of(PictureZip.TYPE));
        offered.addAll(Downloads.pictureTypes(job.request()));
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
