package dev.darkroom.api.v1;

import dev.darkroom.fleet.Models;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.Outlook;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Warning;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;

/** Jobs as they are answered: with their outlook, and with what is to be said of them to their models. */
@Component
public class JobAnswers {

    /** One for each warning, with answers to posts. */
    public static final String WARNING = "Darkroom-Warning";

    public static final String WARNING_SAYS =
            "One for each of the job's warnings: its code, a colon, and its message in ASCII";

    /** Describes the answer 202 in the OpenAPI document. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ApiResponse(
            responseCode = "202",
            description = "The job is accepted and not finished yet",
            headers = {
                @Header(name = "Location", description = "The job", schema = @Schema(type = "string")),
                @Header(name = WARNING, description = WARNING_SAYS, schema = @Schema(type = "string"))
            },
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = JobResponse.class)))
    @interface Accepted {}

    private final Jobs jobs;
    private final Models models;

    JobAnswers(Jobs jobs, Models models) {
        this.jobs = jobs;
        this.models = models;
    }

    JobResponse of(Job job, JobUrls urls) {
        return of(job, urls, warnings(job));
    }

    JobResponse of(Job job, JobUrls urls, List<Warning> warnings) {
        return JobResponse.of(job, jobs.outlook(job), urls, warnings);
    }

    /** Without their outlook. */
    List<JobResponse> page(List<Job> page, JobUrls urls) {
        List<ModelInfo> served = page.isEmpty() ? List.of() : models.all();
        return page.stream()
                .map(job -> JobResponse.of(job, Outlook.NONE, urls, warnings(job, served)))
                .toList();
    }

    /** None of a job whose model is served no more, or that cannot be read. */
    public List<Warning> warnings(Job job) {
        return warnings(job, models.all());
    }

    private static List<Warning> warnings(Job job, List<ModelInfo> served) {
        return job.readable()
                .flatMap(request -> served.stream()
                        .filter(model -> model.id().equals(request.model()))
                        .findFirst()
                        .map(model -> Warning.of(request, model)))
                .orElse(List.of());
    }

    /** A header's value, which has ASCII alone. */
    public static String header(Warning warning) {
        return warning.code().id() + ": " + warning.message().replaceAll("[^ -~]", "?");
    }
}
