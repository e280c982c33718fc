package dev.darkroom.job;

import dev.darkroom.observe.Stages;
import dev.darkroom.observe.Stages.Interval;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/**
 * Carries the trace of the request that posted a job, in the job's row as a W3C {@code traceparent}, to the worker that draws it.
 * Nothing is traced where no OpenTelemetry is configured.
 */
@Component
class Traces {

    private static final String TRACEPARENT = "traceparent";
    private static final AttributeKey<String> JOB_ID = AttributeKey.stringKey("darkroom.job.id");
    private static final AttributeKey<String> MODEL = AttributeKey.stringKey("darkroom.model");
    private static final AttributeKey<String> SAMPLER = AttributeKey.stringKey("darkroom.sampler");
    private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("darkroom.outcome");
    private static final AttributeKey<Long> STEPS = AttributeKey.longKey("darkroom.steps");
    private static final AttributeKey<Long> IMAGE = AttributeKey.longKey("darkroom.image");

    private static final TextMapGetter<Map<String, String>> GETTER = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Map<String, String> carrier) {
            return carrier.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> carrier, String key) {
            return carrier == null ? null : carrier.get(key);
        }
    };

    /** Nanoseconds from the zero of {@link System#nanoTime} to 1970, by the clock of this machine. */
    private final long epoch;

    private final Tracer tracer;

    Traces(ObjectProvider<OpenTelemetry> telemetry) {
        this.tracer = telemetry.getIfAvailable(OpenTelemetry::noop).getTracer("dev.darkroom");
        this.epoch = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();
    }

    /** The span of the request that this thread handles; null if it is not traced. */
    static @Nullable String traceparent() {
        Map<String, String> carrier = new HashMap<>();
        W3CTraceContextPropagator.getInstance()
                .inject(Context.current(), carrier, (headers, name, value) -> headers.put(name, value));
        return carrier.get(TRACEPARENT);
    }

    /** Traces what one claim does for a job; call {@link JobTrace#ended} at its end. */
    JobTrace begin(Job job, Instant now) {
        Context request = Context.root();
        if (job.traceparent() != null) {
            request = W3CTraceContextPropagator.getInstance()
                    .extract(request, Map.of(TRACEPARENT, job.traceparent()), GETTER);
        }
        if (job.startedAt() == null) {
            tracer.spanBuilder("queue")
                    .setParent(request)
                    .setStartTimestamp(job.createdAt())
                    .setAttribute(JOB_ID, job.id())
                    .startSpan()
                    .end(now);
        }
        Span span = tracer.spanBuilder("draw")
                .setParent(request)
                .setSpanKind(SpanKind.CONSUMER)
                .setStartTimestamp(now)
                .setAttribute(JOB_ID, job.id())
                .setAttribute(MODEL, job.request().model())
                .setAttribute(SAMPLER, job.request().sampling().sampler().id())
                .startSpan();
        return new JobTrace(span, request.with(span), job.request().sampling().steps());
    }

    /** The span of one claim. */
    final class JobTrace {
        private final Span span;
        private final Context context;
        private final int steps;

        private JobTrace(Span span, Context context, int steps) {
            this.span = span;
            this.context = context;
            this.steps = steps;
        }

        /** A picture is recorded. */
        void picture(int image, Stages stages) {
            for (Map.Entry<Stages.Stage, Interval> stage : stages.intervals().entrySet()) {
                Span part = tracer.spanBuilder(stage.getKey().name().toLowerCase(Locale.ROOT))
                        .setParent(context)
                        .setStartTimestamp(epoch + stage.getValue().start(), TimeUnit.NANOSECONDS)
                        .setAttribute(IMAGE, (long) image)
                        .startSpan();
                if (stage.getKey() == Stages.Stage.STEPS) {
                    part.setAttribute(STEPS, (long) steps);
                }
                part.end(epoch + stage.getValue().end(), TimeUnit.NANOSECONDS);
            }
        }

        void ended(String outcome) {
            span.setAttribute(OUTCOME, outcome);
            if (outcome.equals(JobState.FAILED.id())) {
                span.setStatus(StatusCode.ERROR);
            }
            span.end();
        }
    }
}
