package dev.darkroom.job;

import dev.darkroom.request.Priority;
import dev.darkroom.request.Request;
import dev.darkroom.request.UnreadableRow;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A job as its rows say at one moment.
 *
 * @param id opaque, sortable by time of creation
 * @param readable what was asked for; empty if this version of Darkroom cannot read it
 * @param startTag its place in the queue, as {@link FairOrder} gave it
 * @param step sampling steps done, all pictures together: 0 to {@code request.sampling().steps() × request.seeds().count()}
 * @param steps sampling steps of all pictures together
 * @param work U-Net evaluations of one row, all pictures together
 * @param cancelRequested a client asked to cancel it while it was running
 * @param failure why it failed, only in state {@code FAILED}
 * @param images finished pictures in order of their index
 * @param lastEvent sequence number of the newest event that this view includes
 * @param expiresAt it fails if it has not ended by then
 * @param startedAt when a worker last began it
 * @param traceparent the trace of the request that posted it, W3C; null if that was not traced
 */
public record Job(
        String id,
        JobState state,
        Optional<Request> readable,
        Priority priority,
        long startTag,
        int step,
        int steps,
        long work,
        boolean cancelRequested,
        @Nullable Failure failure,
        List<Image> images,
        long lastEvent,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        Times times,
        @Nullable String traceparent) {

    /**
     * What was asked for.
     *
     * @throws UnreadableRow if this version of Darkroom cannot read it
     */
    public Request request() {
        return readable.orElseThrow(
                () -> new UnreadableRow(new IllegalStateException("job " + id + " asks for what it does not know")));
    }

    Job with(List<Image> finished) {
        return new Job(
                id,
                state,
                readable,
                priority,
                startTag,
                step,
                steps,
                work,
                cancelRequested,
                failure,
                finished,
                lastEvent,
                createdAt,
                expiresAt,
                startedAt,
                finishedAt,
                times,
                traceparent);
    }

    /**
     * Milliseconds that the stages took for its recorded pictures together.
     *
     * @param encode reading the prompts
     * @param steps the U-Net calls that had a picture of it, others' pictures or not
     * @param decode from latents to pixels
     * @param store making the files and storing them
     */
    public record Times(double encode, double steps, double decode, double store) {}

    /** @param message for people */
    public record Failure(String code, String message) {}

    /**
     * A finished picture.
     *
     * @param index 0 to n − 1
     * @param hash SHA-256 of the PNG file, hexadecimal
     * @param bytes size of the PNG file
     */
    public record Image(int index, long seed, String hash, long bytes) {}
}
