package dev.darkroom.job;

import com.github.kagkarlsson.scheduler.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The database's time: processes whose clocks differ agree on whose heartbeats are missing and what has expired. Runs on
 * this machine's clock in between, so a look at the time costs nothing.
 */
final class DatabaseClock implements InstantSource, Clock {

    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(5);

    private volatile Duration ahead = Duration.ZERO;
    private volatile long lastAnswer = System.nanoTime();
    private volatile long steadySince = System.nanoTime();

    @Override
    public Instant instant() {
        return Instant.now().plus(ahead);
    }

    @Override
    public Instant now() {
        return instant();
    }

    /** The database has answered, as it does every second while all is well. */
    void answered() {
        long now = System.nanoTime();
        if (now - lastAnswer > LONGEST_SILENCE.toNanos()) {
            steadySince = now;
        }
        lastAnswer = now;
    }

    /** For how long the database has answered without a break, and this process has been running without one. */
    Duration steadyFor() {
        long now = System.nanoTime();
        return now - lastAnswer > LONGEST_SILENCE.toNanos() ? Duration.ZERO : Duration.ofNanos(now - steadySince);
    }

    /** Asks the database; half of the way there and back is taken for the way back. */
    void synchronise(JdbcClient sql) {
        Instant before = Instant.now();
        Instant there = sql.sql("select current_timestamp")
                .query(OffsetDateTime.class)
                .single()
                .toInstant();
        ahead = Duration.between(
                before.plus(Duration.between(before, Instant.now()).dividedBy(2)), there);
    }
}
