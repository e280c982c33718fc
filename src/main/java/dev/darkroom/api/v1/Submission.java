package dev.darkroom.api.v1;

import dev.darkroom.api.http.Problem;
import dev.darkroom.api.http.RequestBodies.FieldsRead;
import dev.darkroom.api.who.Caller;
import dev.darkroom.fleet.Models;
import dev.darkroom.job.IdempotencyKey;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.request.Draft;
import dev.darkroom.request.InvalidRequest;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;

/**
 * What was asked for becomes a job: the one place, whatever shape the request has. A shape has its request record, from which
 * come a draft, options and the model that is meant, and its own names of fields.
 */
@Component
public final class Submission {

    private final Models models;
    private final Jobs jobs;

    Submission(Models models, Jobs jobs) {
        this.models = models;
        this.jobs = jobs;
    }

    /** What is valid and not posted yet. */
    public record Checked(Request request, JobOptions options) {}

    /** The job that the same request made before. */
    public Optional<Job> earlier(@Nullable IdempotencyKey key, FieldsRead<?> read) {
        return key == null || !read.wrong().isEmpty() ? Optional.empty() : jobs.find(key);
    }

    /**
     * The models that a request can mean, the default one first.
     *
     * @throws Problem {@code no_model_ready}
     */
    public List<ModelInfo> served() {
        List<ModelInfo> served = models.all();
        if (served.isEmpty()) {
            throw new Problem(Problem.Code.NO_MODEL_READY, "no worker has a model ready yet; try again in a moment")
                    .with(HttpHeaders.RETRY_AFTER, "2");
        }
        return served;
    }

    /**
     * Checks all of it, so that all wrong fields are told at once.
     *
     * @param wrong what is wrong beyond a draft and options
     * @param model may throw {@link InvalidRequest}
     * @param fitted whether a size that the model does not draw becomes the nearest one
     * @param named the names of a draft's fields in the request
     * @throws InvalidRequest naming every field that is wrong
     */
    public Checked check(
            FieldsRead<?> read,
            List<Violation> wrong,
            Supplier<JobOptions> options,
            Supplier<ModelInfo> model,
            Draft draft,
            boolean fitted,
            UnaryOperator<List<Violation>> named) {
        List<Violation> all = new ArrayList<>(wrong);
        JobOptions checked = InvalidRequest.collect(all, options);
        List<Violation> drawn = new ArrayList<>();
        Request request = InvalidRequest.collect(drawn, () -> {
            ModelInfo info = model.get();
            return Request.of(fitted ? draft.fitted(info) : draft, info);
        });
        all.addAll(named.apply(drawn));
        all = read.with(all);
        if (checked == null || request == null || !all.isEmpty()) {
            throw new InvalidRequest(all);
        }
        return new Checked(request, checked);
    }

    /** Posts it, or finds the job that the same key has made meanwhile. */
    public Job submit(Checked checked, Caller caller, @Nullable IdempotencyKey key) {
        return key == null
                ? jobs.submit(checked.request, checked.options, caller.id(), caller.quota())
                : jobs.submit(checked.request, checked.options, key, caller.quota());
    }
}
