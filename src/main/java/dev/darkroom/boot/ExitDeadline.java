package dev.darkroom.boot;

import dev.darkroom.cli.OwnProcess;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * Ends the process within 55 seconds of SIGTERM, whatever hangs: a network in one long step, a database that does not answer, a
 * client that does not read. What it held is then taken for lost, as after a crash. A virtual machine that was told to write an AOT
 * cache does so at its very end, and has the time that it needs.
 */
@Component
final class ExitDeadline {
    private static final Logger log = LoggerFactory.getLogger(ExitDeadline.class);

    private static final Duration AT_MOST = Duration.ofSeconds(55);
    private static final int TERMINATED = 128 + 15;

    private final Duration atMost;

    @Autowired
    ExitDeadline() {
        this(AT_MOST);
    }

    /** @param atMost from the first shutdown hook to the end */
    ExitDeadline(Duration atMost) {
        this.atMost = atMost;
        if (!writesCache()) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::begin, "exit-deadline"));
        }
    }

    private static boolean writesCache() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .anyMatch(argument -> argument.startsWith("-XX:AOTCacheOutput="));
    }

    private void begin() {
        Thread thread = new Thread(
                () -> {
                    try {
                        Thread.sleep(atMost.toMillis());
                    } catch (InterruptedException e) {
                        return;
                    }
                    log.error("The process does not end by itself within {} s and is ended", atMost.toSeconds());
                    OwnProcess.exit(TERMINATED);
                },
                "exit-deadline");
        thread.setDaemon(true);
        thread.start();
    }
}
