package dev.darkroom.library.hub;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long a hub is waited for, and how often.
 *
 * @param idle silence after which a connection is given up
 * @param firstPause before the second attempt; doubled for each further one
 * @param attempts so many in a row that bring nothing new are enough
 * @param clock does the waiting
 */
record Patience(Duration idle, Duration firstPause, int attempts, Clock clock) {
    static final Patience DEFAULT =
            new Patience(Duration.ofSeconds(30), Duration.ofSeconds(1), 6, pause -> Thread.sleep(pause.toMillis()));

    private static final Logger log = LoggerFactory.getLogger(Hub.class);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    /** Waits. */
    @FunctionalInterface
    interface Clock {
        void pause(Duration duration) throws InterruptedException;
    }

    /**
     * Waits before another attempt.
     *
     * @param what was attempted
     * @param futile so many attempts in a row brought nothing new
     * @throws DownloadFailed if that is enough
     */
    void pauseOrGiveUp(String what, int futile, TryAgain reason) throws InterruptedException {
        if (futile >= attempts) {
            throw new DownloadFailed(
                    what + ": " + reason.getMessage() + "; given up after " + futile + " attempts", reason);
        }
        Duration pause = firstPause.multipliedBy(1L << Math.max(0, futile - 1));
        if (pause.compareTo(reason.after()) < 0) {
            pause = reason.after().compareTo(LONGEST_PAUSE) < 0 ? reason.after() : LONGEST_PAUSE;
        }
        log.info("{}: {}; trying again in {} s", what, reason.getMessage(), pause.toMillis() / 1000.0);
        clock.pause(pause);
    }
}
