package dev.darkroom.api.v1;

import dev.darkroom.api.http.ApiSettings;
import dev.darkroom.api.http.OpenExchanges;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.Caller;
import dev.darkroom.job.Job;
import dev.darkroom.job.JobEvent;
import dev.darkroom.job.Jobs;
import dev.darkroom.job.SharedConnections;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import dev.darkroom.request.Warning;
import jakarta.annotation.PreDestroy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.json.JsonMapper;

/**
 * Server-sent event streams of jobs. A stream keeps only the number of the last event it has sent: the bus wakes it, it
 * takes the newer ones from its job's {@link JobFeed} and writes them. So nothing piles up for a slow client, a client that comes
 * back with {@code Last-Event-ID} gets exactly what it missed, and a thousand streams of a job ask the database as often as one.
 */
@Component
public class JobStreams {

    private static final Logger log = LoggerFactory.getLogger(JobStreams.class);

    private static final Duration TIMEOUT = Duration.ofMinutes(30);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);

    /** Clients whose stream ends before its job come back after that. */
    private static final Duration RECONNECT = Duration.ofSeconds(1);

    private final Jobs jobs;
    private final JobAnswers answers;
    private final OpenExchanges exchanges;
    private final JsonMapper json;
    private final ApiSettings limits;
    private final Map<String, Followed> followed = new ConcurrentHashMap<>();
    private final Set<Place> open = ConcurrentHashMap.newKeySet();
    private final ExecutorService writers = Executors.newCachedThreadPool(new CustomizableThreadFactory("sse-"));
    private final ScheduledExecutorService heartbeats =
            Executors.newSingleThreadScheduledExecutor(new CustomizableThreadFactory("sse-heartbeat-"));

    JobStreams(
            Jobs jobs,
            JobAnswers answers,
            OpenExchanges exchanges,
            JsonMapper json,
            ApiSettings limits,
            Metrics metrics) {
        metrics.gauge(Metric.STREAMS, open::size);
        this.jobs = jobs;
        this.answers = answers;
        this.limits = limits;
        this.exchanges = exchanges;
        this.json = json;
        heartbeats.scheduleWithFixedDelay(
                () -> {
                    followed.values().forEach(job -> job.feed.outdate()); // what the database did not tell for a moment
                    open.forEach(Place::heartbeat);
                },
                HEARTBEAT.toMillis(),
                HEARTBEAT.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** How a stream tells what happens to its job. Called by one thread at a time. */
    public interface Wording {

        String jobId();

        /** Of each event in order; a comment if it is nothing to tell, so that a client that has hung up is noticed. */
        SseEmitter.SseEventBuilder of(JobEvent event);

        /** Of a stream that ends before the job, since the server shuts down. */
        SseEmitter.SseEventBuilder cut();

        /** The stream has ended, however. */
        void over();
    }

    /**
     * Opens a stream of all the events of a job, in other words than ours. The job is made once the stream has its place: none is
     * made that nobody can follow.
     *
     * @param job makes it
     * @throws Problem if too many are open
     */
    public SseEmitter open(Caller caller, JobUrls urls, Supplier<? extends Wording> job) {
        Place place = new Place(caller);
        return place.begin(() -> {
            Wording wording = job.get();
            return new Stream(place, wording.jobId(), 0L, urls, wording);
        });
    }

    /**
     * Opens a stream that ends after the job's last event.
     *
     * @param after number of the last event the client has; {@code null} if it has none and wants a snapshot first
     * @throws Problem if too many are open
     */
    public SseEmitter open(String jobId, Caller caller, JobUrls urls, @Nullable Long after) {
        Place place = new Place(caller);
        return place.begin(() -> new Stream(place, jobId, after, urls, null));
    }

    /**
     * Whether there is a place left for the caller; by address nobody is told from another behind the same gateway.
     *
     * @throws Problem if there is none
     */
    private void check(Caller caller) {
        if (caller.known()
                && open.stream()
                                .filter(stream -> stream.caller.id().equals(caller.id()))
                                .count()
                        >= limits.maxStreamsPerCaller()) {
            throw new Problem(
                            Problem.Code.TOO_MANY_STREAMS,
                            "the caller has " + limits.maxStreamsPerCaller() + " event streams open, as many as it may")
                    .with(HttpHeaders.RETRY_AFTER, "5");
        }
        if (open.size() >= limits.maxStreams()) {
            throw new Problem(
                            Problem.Code.NO_STREAM_FREE,
                            limits.maxStreams() + " event streams are open, as many as there may be")
                    .with(HttpHeaders.RETRY_AFTER, "5");
        }
    }

    @PreDestroy
    void close() {
        heartbeats.shutdownNow();
        writers.shutdownNow();
    }

    /** Among the streams that may be open; taken before there is one. */
    private final class Place {

        private final Caller caller;
        private volatile @Nullable Stream stream;

        Place(Caller caller) {
            this.caller = caller;
        }

        SseEmitter begin(Supplier<Stream> made) {
            synchronized (open) {
                check(caller);
                open.add(this);
            }
            try {
                Stream begun = made.get();
                stream = begun;
                begun.begin();
                return begun.emitter;
            } catch (RuntimeException e) {
                open.remove(this);
                throw e;
            }
        }

        void heartbeat() {
            Stream begun = stream;
            if (begun != null) {
                writers.execute(begun::heartbeat);
            }
        }
    }

    /** A job that somebody follows. */
    private record Followed(JobFeed feed, Runnable unsubscribe) {}

    private JobFeed join(String jobId, Runnable wake) {
        return followed.compute(jobId, (id, known) -> {
                    Followed job = known == null ? follow(id) : known;
                    job.feed.join(wake);
                    return job;
                })
                .feed;
    }

    private Followed follow(String jobId) {
        JobFeed feed = new JobFeed(after -> read(jobId, after));
        Runnable unsubscribe = jobs.subscribe(jobId, type -> {
            feed.outdate();
            writers.execute(feed::wake); // not on the thread that draws
        });
        return new Followed(feed, unsubscribe);
    }

    private void leave(String jobId, Runnable wake) {
        followed.computeIfPresent(jobId, (id, job) -> {
            if (job.feed.leave(wake)) {
                job.unsubscribe.run();
                return null;
            }
            return job;
        });
    }

    private List<JobFeed.News> read(String jobId, long after) {
        List<JobEvent> events = jobs.eventsAfter(jobId, after);
        boolean more = events.stream()
                .anyMatch(event ->
                        event.type() == JobEvent.Type.IMAGE || event.type().isFinal());
        Job job = more ? jobs.find(jobId).orElseThrow() : null;
        List<Warning> warnings = job == null ? List.of() : answers.warnings(job);
        return events.stream()
                .map(event -> new JobFeed.News(event, job, warnings))
                .toList();
    }

    /** One client's stream. */
    private final class Stream {

        private final Place place;
        private final String jobId;
        private final JobUrls urls;
        private final SseEmitter emitter = new SseEmitter(TIMEOUT.toMillis());
        private final Runnable ending = () -> writers.execute(this::end); // the client may read slowly
        private final AtomicInteger wakeUps = new AtomicInteger();
        private final AtomicBoolean over = new AtomicBoolean();
        private final Runnable wake = this::wake;
        private final String reader = SharedConnections.caller();
        private volatile @Nullable JobFeed feed;
        private final @Nullable Wording wording;
        private @Nullable Long sent;

        Stream(Place place, String jobId, @Nullable Long after, JobUrls urls, @Nullable Wording wording) {
            this.place = place;
            this.jobId = jobId;
            this.urls = urls;
            this.sent = after;
            this.wording = wording;
        }

        void begin() {
            try {
                feed = join(jobId, wake);
            } catch (RuntimeException e) {
                over();
                throw e;
            }
            emitter.onCompletion(this::over);
            emitter.onTimeout(ending);
            exchanges.add(ending);
            // Kept until Spring has the response, and then written by the request's own thread: filters set headers
            // until then.
            send(SseEmitter.event().comment(""));
            wake();
        }

        /** Ends it. Spring tells of the completion only if it had the response before. */
        private void complete() {
            try {
                emitter.complete();
            } catch (IllegalStateException e) { // Tomcat has taken the response of a client that is gone
                log.debug("A stream of job {} has ended already: {}", jobId, e.getMessage());
            }
            over();
        }

        private void over() {
            if (over.compareAndSet(false, true)) {
                leave(jobId, wake);
                open.remove(place);
                exchanges.remove(ending);
                if (wording != null) {
                    wording.over();
                }
            }
        }

        private void end() {
            send(wording == null ? SseEmitter.event().reconnectTime(RECONNECT.toMillis()) : wording.cut());
            complete();
        }

        private void send(SseEmitter.SseEventBuilder event) {
            try {
                emitter.send(event);
            } catch (IOException | IllegalStateException e) {
                log.debug("A stream of job {} has ended already: {}", jobId, e.getMessage());
            }
        }

        /** At most one thread at a time writes; wake-ups meanwhile make it look again. */
        void wake() {
            if (wakeUps.getAndIncrement() == 0) {
                writers.execute(this::write);
            }
        }

        private void write() {
            int seen = 0;
            do {
                seen = wakeUps.get();
                try {
                    SharedConnections.<IOException, RuntimeException>reading(reader, this::writeNews);
                } catch (IOException | IllegalStateException e) {
                    complete(); // no effect where the client is gone or the stream has ended
                    return;
                } catch (DataAccessException e) {
                    log.debug("The database does not answer; the stream of job {} goes on when it does", jobId, e);
                } catch (RuntimeException e) {
                    emitter.completeWithError(e);
                    over();
                    return;
                }
            } while (wakeUps.addAndGet(-seen) > 0);
        }

        private void writeNews() throws IOException {
            if (sent == null) {
                Job job = jobs.find(jobId).orElseThrow();
                send(job.lastEvent(), "snapshot", answers.of(job, urls));
                if (job.state().isFinal()) {
                    complete();
                    return;
                }
            }
            for (JobFeed.News news : Objects.requireNonNull(feed).after(sent == null ? 0 : sent)) {
                tell(news);
                if (news.event().type().isFinal()) {
                    complete();
                    return;
                }
            }
        }

        private void tell(JobFeed.News news) throws IOException {
            if (wording == null) {
                send(news.sequence(), news.event().type().id(), data(news));
            } else {
                emitter.send(wording.of(news.event()));
                sent = news.sequence();
            }
        }

        private Object data(JobFeed.News news) {
            JobEvent event = news.event();
            return switch (event.type()) {
                case QUEUED, STARTED -> new JobEventData.Time(event.at());
                case STEP -> event.data();
                case IMAGE -> {
                    Job job = Objects.requireNonNull(news.job());
                    int index = json.readTree(event.data()).get("index").intValue();
                    yield job.images().stream()
                            .filter(image -> image.index() == index)
                            .map(image -> JobResponse.image(job, image, urls))
                            .findFirst()
                            .orElseThrow();
                }
                case SUCCEEDED, FAILED, CANCELED ->
                    answers.of(Objects.requireNonNull(news.job()), urls, news.warnings());
            };
        }

        private void send(long id, String name, Object data) throws IOException {
            emitter.send(SseEmitter.event().id(Long.toString(id)).name(name).data(data, MediaType.APPLICATION_JSON));
            sent = id;
        }

        void heartbeat() {
            send(SseEmitter.event().comment("still here"));
            wake();
        }
    }

    /** Whether nothing will come after event {@code sequence}. */
    static boolean isOver(Job job, long sequence) {
        return job.state().isFinal() && sequence >= job.lastEvent();
    }
}
