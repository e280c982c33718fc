package dev.darkroom.job;

import dev.darkroom.blobs.ImageBeingDeleted;
import dev.darkroom.blobs.ImageStore;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Writes down what workers do. A database or a store of pictures that is away is waited for, as long as there is a claim to
 * write for: it costs nobody a job.
 */
@Component
public class Claims {

    private static final Logger log = LoggerFactory.getLogger(Claims.class);

    /**
     * A file that was stored so long ago may have been deleted again, as an earlier job's, before a row names it. Much shorter
     * than files are left alone after their job's deletion.
     */
    private static final Duration STORED = Duration.ofSeconds(20);

    private final ClaimStore store;
    private final ImageStore files;
    private final InstantSource clock;

    Claims(ClaimStore store, ImageStore files, InstantSource clock) {
        this.store = store;
        this.files = files;
        this.clock = clock;
    }

    /**
     * Stores a picture for good. Blocks while the store is away, as long as the claim is held.
     *
     * @return its name
     * @throws ClaimLost if the claim ended meanwhile
     */
    public String store(Claim claim, byte[] png) {
        return Retries.insist(() -> stillHeld(claim), () -> store(png));
    }

    private String store(byte[] png) {
        store.keep(ImageStore.hash(png));
        return files.write(png);
    }

    /**
     * Writes the entries in one transaction, those of a claim in their order, and ends the claims that end with them. Blocks
     * while the database is away, as long as one of the claims is held. Entries of claims that have ended are dropped. May be
     * called by several threads, but not for the same claim.
     */
    public void write(List<Entry> entries) {
        write(entries, () -> true);
    }

    /**
     * The same, not longer than a moment: what cannot be written then is left to those who find this worker dead.
     *
     * @return whether it is written
     */
    boolean writeNow(List<Entry> entries, Duration atMost) {
        long end = System.nanoTime() + atMost.toNanos();
        return write(entries, () -> System.nanoTime() < end);
    }

    private boolean write(List<Entry> entries, BooleanSupplier goOn) {
        List<Entry> wanted =
                entries.stream().filter(entry -> entry.claim().isHeld()).toList();
        Attempts attempts = new Attempts(wanted);
        try {
            Set<Claim> lost = Retries.insist(
                    () -> goOn.getAsBoolean()
                            && wanted.stream().anyMatch(entry -> entry.claim().isHeld()),
                    attempts);
            ended(wanted, lost);
            return true;
        } catch (RuntimeException e) {
            Map<Claim, List<Entry>> byClaim = wanted.stream()
                    .collect(Collectors.groupingBy(Entry::claim, LinkedHashMap::new, Collectors.toList()));
            if (byClaim.size() > 1 && !Retries.mayPass(e)) {
                byClaim.values().forEach(its -> write(its, goOn)); // one of them cannot be written; the others can
                return true;
            }
            byClaim.keySet().forEach(claim -> {
                log.warn("Job {} is let go and tried again: what became of it cannot be recorded", claim.jobId(), e);
                claim.abandon(e);
            });
            return false;
        }
    }

    /** Tries to write the entries, several times. */
    private final class Attempts implements Supplier<Set<Claim>> {
        private final List<Entry> entries;
        private boolean again;
        private boolean beingDeleted;

        Attempts(List<Entry> entries) {
            this.entries = entries;
        }

        @Override
        public Set<Claim> get() {
            for (Entry entry : entries) {
                if (entry instanceof Entry.Drawn drawn && (beingDeleted || drawn.isOlderThan(STORED))) {
                    store(drawn.png);
                }
            }
            boolean repeated = again;
            again = true;
            try {
                return store.write(entries, repeated);
            } catch (ImageBeingDeleted e) {
                beingDeleted = true;
                throw e;
            }
        }
    }

    private void ended(List<Entry> entries, Set<Claim> lost) {
        for (Claim claim : lost) {
            log.info("Let go of a job: {}", new ClaimLost(claim.jobId(), claim.number()).getMessage());
            claim.lost();
        }
        Set<Claim> ended = new LinkedHashSet<>(lost);
        for (Entry entry : entries) {
            if (!ended.contains(entry.claim())) {
                entry.claim().written(entry, clock.instant());
                if (entry.endsClaim()) {
                    ended.add(entry.claim());
                }
            }
        }
    }

    private static boolean stillHeld(Claim claim) {
        if (!claim.isHeld()) {
            throw new ClaimLost(claim.jobId(), claim.number());
        }
        return true;
    }
}
