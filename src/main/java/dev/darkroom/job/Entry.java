package dev.darkroom.job;

import dev.darkroom.job.ClaimStore.Writing;
import dev.darkroom.job.JobRows.Locked;
import dev.darkroom.observe.Stages;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a worker has to tell about a job that it holds: made by a {@link Claim} when it happens, written by {@link Claims},
 * many together.
 */
public abstract sealed class Entry {

    private record StepData(int image, int step, int steps) {}

    private record ImageData(int index) {}

    private final Claim claim;

    private Entry(Claim claim) {
        this.claim = claim;
    }

    public final Claim claim() {
        return claim;
    }

    /** Whether the claim ends with it. With its job's last picture it ends as well. */
    boolean endsClaim() {
        return false;
    }

    /** Changes the job's row, which its claim has, and which has not ended. */
    abstract void write(Locked job, Writing writing);

    /** The job's first picture is begun. */
    static final class Started extends Entry {
        Started(Claim claim) {
            super(claim);
        }

        @Override
        void write(Locked job, Writing writing) {
            if (job.state() == JobState.QUEUED) {
                job.start(writing.images(job.id).size()
                        * claim().request().sampling().steps());
            }
        }
    }

    /** A picture has done a step. */
    static final class Stepped extends Entry {
        private final StepData data;
        private final byte @Nullable [] preview;

        Stepped(Claim claim, int image, int step, int steps, byte @Nullable [] preview) {
            super(claim);
            this.data = new StepData(image, step, steps);
            this.preview = preview;
        }

        @Override
        void write(Locked job, Writing writing) {
            long event = job.step(data);
            if (preview != null) {
                writing.previews.add(new Object[] {job.id, data.image, event, preview});
            }
        }
    }

    /** A picture is done, and its file is stored. The last one makes the job succeed. */
    static final class Drawn extends Entry {
        final int image;
        final byte[] png;
        final Stages stages;
        final String hash;
        private final long seed;
        private final long storedAt = System.nanoTime();

        Drawn(Claim claim, int image, long seed, byte[] png, String hash, Stages stages) {
            super(claim);
            this.image = image;
            this.seed = seed;
            this.png = png;
            this.hash = hash;
            this.stages = stages;
        }

        boolean isOlderThan(Duration age) {
            return System.nanoTime() - storedAt > age.toNanos();
        }

        @Override
        void write(Locked job, Writing writing) {
            List<Job.Image> images = writing.images(job.id);
            if (images.stream().anyMatch(known -> known.index() == image)) {
                return; // of an earlier try, whose commit was not acknowledged
            }
            images.add(new Job.Image(image, seed, hash, png.length));
            writing.newImages.add(new Object[] {job.id, image, seed, hash, (long) png.length});
            job.took(stages);
            job.add(JobEvent.Type.IMAGE, new ImageData(image));
            if (images.size() == claim().request().seeds().count()) {
                job.change(JobState.SUCCEEDED, JobEvent.Type.SUCCEEDED);
            }
        }
    }

    /** The job has failed. */
    static final class Failed extends Entry {
        final FailureCode code;
        private final String message;

        Failed(Claim claim, FailureCode code, String message) {
            super(claim);
            this.code = code;
            this.message = message;
        }

        @Override
        boolean endsClaim() {
            return true;
        }

        @Override
        void write(Locked job, Writing writing) {
            job.fail(code, message);
        }
    }

    /** The job was stopped because a client asked for it. */
    static final class Canceled extends Entry {
        Canceled(Claim claim) {
            super(claim);
        }

        @Override
        boolean endsClaim() {
            return true;
        }

        @Override
        void write(Locked job, Writing writing) {
            job.change(JobState.CANCELED, JobEvent.Type.CANCELED);
        }
    }

    /** The job is given back, to be drawn by another or later. */
    static final class Released extends Entry {
        /** Whether the device broke under it, which counts as the death of its worker. */
        final boolean broken;

        Released(Claim claim, boolean broken) {
            super(claim);
            this.broken = broken;
        }

        @Override
        boolean endsClaim() {
            return true;
        }

        @Override
        void write(Locked job, Writing writing) {
            if (job.state() == JobState.RUNNING) {
                job.change(JobState.QUEUED, JobEvent.Type.QUEUED);
            }
            if (broken) {
                job.died();
            }
            job.claimedBy(0); // nobody writes it until it is claimed again
        }
    }
}
