package dev.darkroom.api.v1;

import dev.darkroom.job.Job;
import dev.darkroom.job.JobEvent;
import dev.darkroom.request.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the streams of one job have read of it lately: the first that asks after something has happened reads the new rows for all
 * of them. One that is further behind than is kept here reads for itself.
 */
final class JobFeed {

    /** How many events are kept. */
    static final int KEPT = 128;

    /**
     * An event.
     *
     * @param job as it was then or later, where the event is a picture or the job's end
     * @param warnings of that job
     */
    record News(JobEvent event, @Nullable Job job, List<Warning> warnings) {

        long sequence() {
            return event.sequence();
        }
    }

    private final LongFunction<List<News>> rows;
    private final Set<Runnable> followers = ConcurrentHashMap.newKeySet();
    private final AtomicLong happened = new AtomicLong(1);

    /** The newest events in order: all that were read after {@code start}. */
    private final List<News> kept = new ArrayList<>();

    private long start = -1;

    /** Of {@code happened}, when the rows were last read. */
    private long read;

    /** @param rows reads the events after this number, in order */
    JobFeed(LongFunction<List<News>> rows) {
        this.rows = rows;
    }

    /** @param wake called after the job has moved; must be quick */
    void join(Runnable wake) {
        followers.add(wake);
    }

    /** @return whether nobody follows any more */
    boolean leave(Runnable wake) {
        followers.remove(wake);
        return followers.isEmpty();
    }

    /** There may be events that were not read yet. */
    void outdate() {
        happened.incrementAndGet();
    }

    void wake() {
        followers.forEach(Runnable::run);
    }

    /** All events after this number, in order. */
    List<News> after(long sequence) {
        synchronized (this) {
            if (start < 0) {
                start = sequence;
            }
            if (sequence >= start) {
                readOn();
                List<News> newer =
                        kept.stream().filter(news -> news.sequence() > sequence).toList();
                if (kept.size() > KEPT) {
                    List<News> old = kept.subList(0, kept.size() - KEPT);
                    start = old.get(old.size() - 1).sequence();
                    old.clear();
                }
                return newer;
            }
        }
        return rows.apply(sequence);
    }

    private void readOn() {
        long now = happened.get();
        if (read != now) {
            read = now; // Of all that wait here while the database is away, one asks it.
            kept.addAll(rows.apply(
                    kept.isEmpty() ? start : kept.get(kept.size() - 1).sequence()));
        }
    }
}
