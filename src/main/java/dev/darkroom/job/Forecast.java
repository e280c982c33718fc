package dev.darkroom.job;

import dev.darkroom.fleet.Models;
import dev.darkroom.job.Paces.Kind;
import dev.darkroom.job.Paces.Pace;
import dev.darkroom.request.Request;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** When jobs will end, from the work before them and the {@link Paces} measured. */
@Component
class Forecast {

    private static final Duration UNMEASURED = Duration.ofSeconds(5);
    private static final Duration LONGEST_RETRY = Duration.ofMinutes(10);
    private static final Duration KEEP = Duration.ofSeconds(1);

    private final JdbcClient sql;
    private final Paces paces;
    private final Models models;
    private final InstantSource clock;
    private final AtomicReference<@Nullable Advice> lastAdvice = new AtomicReference<>();

    private record Advice(Duration retryAfter, long madeAt) {}

    Forecast(JdbcClient sql, Paces paces, Models models, InstantSource clock) {
        this.sql = sql;
        this.paces = paces;
        this.models = models;
        this.clock = clock;
    }

    Outlook of(Job job) {
        if (job.state().isFinal()) {
            return Outlook.NONE;
        }
        Map<Kind, Pace> known = paces.all();
        Pace own = job.readable().map(request -> known.get(Kind.of(request))).orElse(null);
        if (job.state() == JobState.RUNNING) {
            return new Outlook(null, own == null ? null : clock.instant().plusNanos(nanos(left(job, own))));
        }
        int position = 1
                + sql.sql("select count(*) from job where state = 'queued' and start_tag <= ? and id <> ?"
                                + " and (start_tag < ? or id < ?)")
                        .params(job.startTag(), job.id(), job.startTag(), job.id())
                        .query(Integer.class)
                        .single();
        Optional<Double> before = millis(known, job.startTag(), job.id());
        return new Outlook(
                position,
                own == null || before.isEmpty()
                        ? null
                        : clock.instant().plusNanos(nanos(before.get() / workers() + left(job, own))));
    }

    /** How long somebody should wait who finds the queue full: until about a tenth of it has been drawn. */
    Duration retryAfter() {
        Advice last = lastAdvice.get();
        if (last == null || System.nanoTime() - last.madeAt > KEEP.toNanos()) {
            Duration wait = millis(paces.all(), Long.MAX_VALUE, "")
                    .map(millis -> Duration.ofNanos(nanos(millis / workers() / 10)))
                    .filter(duration -> !duration.isZero())
                    .orElse(UNMEASURED);
            last = new Advice(wait.compareTo(LONGEST_RETRY) > 0 ? LONGEST_RETRY : wait, System.nanoTime());
            lastAdvice.set(last);
        }
        return last.retryAfter;
    }

    /** Milliseconds that the job itself still takes: bound by its steps, or by the rows that find no place in a call. */
    private static double left(Job job, Pace pace) {
        Request request = job.request();
        double part = 1
                - (double) job.step()
                        / (request.sampling().steps() * request.seeds().count());
        int evaluations =
                request.sampling().sampler().evaluations(request.sampling().steps());
        return Math.max(0, part) * Math.max(evaluations * pace.step(), job.work() * pace.row()) + pace.finish();
    }

    /**
     * Milliseconds of one worker's work on all that runs and on what waits before the given place.
     *
     * @return empty if none of it has been measured; what has not is left out otherwise
     */
    private Optional<Double> millis(Map<Kind, Pace> known, long startTag, String id) {
        boolean[] any = {known.isEmpty()};
        double[] sum = {0};
        sql.sql("""
                        select model, pixels, sum(work * (1 - step * 1.0 / steps)) as work from job
                        where steps > 0 and (state = 'running'
                            or (state = 'queued' and (start_tag < ? or (start_tag = ? and id < ?))))
                        group by model, pixels""").params(startTag, startTag, id).query(row -> {
            Pace pace = known.get(new Kind(row.getString("model"), row.getInt("pixels")));
            any[0] |= pace == null;
            sum[0] += pace == null ? 0 : pace.row() * row.getDouble("work");
        });
        return any[0] && sum[0] == 0 ? Optional.empty() : Optional.of(sum[0]);
    }

    private int workers() {
        return Math.max(1, models.workers());
    }

    private static long nanos(double millis) {
        return (long) (millis * 1e6);
    }
}
