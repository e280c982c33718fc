package dev.darkroom.api.v1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.job.Job;
import dev.darkroom.job.Outlook;
import dev.darkroom.request.Draft;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Request;
import dev.darkroom.request.Warning;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A job in answers and in the event stream. */
@Schema(name = "Job", description = "A job and all that is known of it")
@JsonInclude(JsonInclude.Include.NON_NULL)
public record JobResponse(
        @Schema(description = "Opaque, sortable by time of creation") @JsonProperty("id")
        String id,

        @Schema(
                description = "Where it is in its life; the last three are final",
                allowableValues = {"queued", "running", "succeeded", "failed", "canceled"})
        @JsonProperty("state")
        String state,

        @Schema(description = "A client asked to cancel it; it stops within one step") @JsonProperty("cancel_requested")
        boolean cancelRequested,

        @Schema(description = "Its share of the devices, as asked for: low, normal or high") @JsonProperty("priority")
        String priority,

        @Schema(description = "How far it is") @JsonProperty("progress")
        Progress progress,

        @Schema(description = "Only while it waits") @JsonProperty("queue") @Nullable
        Queue queue,

        @Schema(
                description =
                        "When it will probably have ended, from times measured of this model and size; only before"
                                + " it has, and only once something has been measured")
        @JsonProperty("eta")
        @Nullable
        Instant eta,

        @Schema(
                ref = "#/components/schemas/" + JobResponse.PARAMETERS,
                description =
                        "The request with every default filled in; post it again to draw the same pictures. Only a job"
                                + " that another version of Darkroom accepted, and this one cannot read, has none")
        @JsonProperty("parameters")
        @Nullable
        Draft parameters,

        @Schema(description = "Seed of each picture in order") @JsonProperty("seeds")
        List<Long> seeds,

        @Schema(description = "The pictures that are finished") @JsonProperty("images")
        List<Image> images,

        @Schema(description = "Server-sent events of this job") @JsonProperty("events_url")
        String eventsUrl,

        @Schema(description = "When it was accepted") @JsonProperty("created_at")
        Instant createdAt,

        @Schema(description = "It fails if it has not ended by then; only if the request had expires_in")
        @JsonProperty("expires_at")
        @Nullable
        Instant expiresAt,

        @Schema(description = "When a worker (last) began it") @JsonProperty("started_at") @Nullable
        Instant startedAt,

        @Schema(description = "When it ended") @JsonProperty("finished_at") @Nullable
        Instant finishedAt,

        @Schema(description = "How long it took") @JsonProperty("timings")
        Timings timings,

        @Schema(
                description =
                        "What it asks for and will hardly get, as its model is served now; it is drawn all the same")
        @JsonProperty("warnings")
        List<Warned> warnings,

        @Schema(description = "Why it failed") @JsonProperty("error") @Nullable
        Failure error) {

    /** The name of its parameters in the OpenAPI document. */
    public static final String PARAMETERS = "JobParameters";

    /** A part of the caller's jobs. */
    @Schema(name = "JobPage", description = "Some of the caller's jobs, newest first")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Page(
            @Schema(description = "Each without queue and eta") @JsonProperty("jobs")
            List<JobResponse> jobs,

            @Schema(description = "Begins the next page; left out with the last one")
            @JsonProperty("next_cursor")
            @Nullable
            String nextCursor) {}

    /** Sampling steps of all pictures together. */
    @Schema(name = "JobProgress", description = "Sampling steps, all pictures together")
    record Progress(
            @Schema(description = "Steps done") @JsonProperty("step")
            int step,

            @Schema(description = "Steps in all") @JsonProperty("steps")
            int steps) {}

    /** A place in the queue. */
    @Schema(name = "JobQueue", description = "A place in the queue")
    record Queue(
            @Schema(description = "1 is begun next") @JsonProperty("position")
            int position) {}

    /** A finished picture. */
    @Schema(name = "JobImage", description = "A finished picture")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Image(
            @Schema(description = "0 to n − 1") @JsonProperty("index")
            int index,

            @Schema(description = "Draws this picture alone again") @JsonProperty("seed")
            long seed,

            @Schema(description = "Gives output_format, or what its Accept asks for") @JsonProperty("url")
            String url,

            @Schema(
                    description = "Of output_format",
                    allowableValues = {"image/png", "image/jpeg", "image/webp"})
            @JsonProperty("media_type")
            String mediaType,

            @Schema(description = "Pixels") @JsonProperty("width")
            int width,

            @Schema(description = "Pixels") @JsonProperty("height")
            int height,

            @Schema(description = "Size of the PNG file; left out with other formats, which are made on download")
            @JsonProperty("bytes")
            @Nullable
            Long bytes,

            @Schema(description = "SHA-256 of the PNG file, hexadecimal; left out with other formats")
            @JsonProperty("sha256")
            @Nullable
            String sha256) {}

    /** Durations in milliseconds. */
    @Schema(name = "JobTimings", description = "Milliseconds")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Timings(
            @Schema(description = "From creation to the (last) start") @JsonProperty("queued_ms") @Nullable
            Long queuedMs,

            @Schema(description = "From the (last) start to the end") @JsonProperty("running_ms") @Nullable
            Long runningMs) {

        static Timings of(Job job) {
            return new Timings(between(job.createdAt(), job.startedAt()), between(job.startedAt(), job.finishedAt()));
        }

        private static @Nullable Long between(@Nullable Instant from, @Nullable Instant to) {
            return from == null || to == null
                    ? null
                    : Math.max(0, Duration.between(from, to).toMillis()); // a clock may be set back
        }
    }

    /** What a job asks for and will hardly get. */
    @Schema(name = "JobWarning", description = "What a job asks for and will hardly get")
    record Warned(
            @Schema(
                    description = "Stable word",
                    allowableValues = {"unknown_words", "foreign_syntax", "unusual_size"})
            @JsonProperty("code")
            String code,

            @Schema(description = "The field of the request") @JsonProperty("field")
            String field,

            @Schema(description = "For people") @JsonProperty("message")
            String message) {

        static Warned of(Warning warning) {
            return new Warned(warning.code().id(), warning.field(), warning.message());
        }
    }

    /** Why a job failed. */
    @Schema(name = "JobFailure", description = "Why a job failed")
    record Failure(
            @Schema(
                    description = "Stable word",
                    allowableValues = {
                        "drawing_failed",
                        "out_of_memory",
                        "model_unavailable",
                        "expired",
                        "interrupted_too_often",
                        "prompt_too_long",
                        "not_finite",
                        "unreadable"
                    })
            @JsonProperty("code")
            String code,

            @Schema(description = "For people") @JsonProperty("message")
            String message) {}

    static JobResponse of(Job job, Outlook outlook, JobUrls urls, List<Warning> warnings) {
        Optional<Request> request = job.readable();
        Job.Failure failure = job.failure();
        return new JobResponse(
                job.id(),
                job.state().id(),
                job.cancelRequested(),
                job.priority().id(),
                new Progress(job.step(), job.steps()),
                outlook.position() == null ? null : new Queue(outlook.position()),
                outlook.end(),
                request.map(Draft::of).orElse(null),
                request.map(asked -> LongStream.range(
                                        asked.seeds().first(),
                                        asked.seeds().first() + asked.seeds().count())
                                .boxed()
                                .toList())
                        .orElse(List.of()),
                request.map(asked -> job.images().stream()
                                .map(image -> image(job, image, urls))
                                .toList())
                        .orElse(List.of()),
                urls.events(job.id()),
                job.createdAt(),
                job.expiresAt(),
                job.startedAt(),
                job.finishedAt(),
                Timings.of(job),
                warnings.stream().map(Warned::of).toList(),
                failure == null ? null : new Failure(failure.code(), failure.message()));
    }

    static Image image(Job job, Job.Image image, JobUrls urls) {
        OutputFormat format = job.request().output().format();
        boolean stored = format == OutputFormat.PNG;
        return new Image(
                image.index(),
                image.seed(),
                urls.image(job.id(), image.index()),
                format.mediaType(),
                job.request().size().width(),
                job.request().size().height(),
                stored ? image.bytes() : null,
                stored ? image.hash() : null);
    }
}
