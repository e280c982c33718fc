package dev.darkroom.worker;

import dev.darkroom.job.Claim;

/** A claim in the hands of a device's thread and of its {@link Recorder}, which alone calls what the claim writes. */
final class Held {
    /** The job's id in structured logs. */
    static final String JOB_ID = "job_id";

    final Claim claim;

    /** How many pictures are still to be drawn; for the device's thread. */
    int missing;

    /** Something could not be written, so nothing more will be; the device drops it. Written by the recorder. */
    volatile boolean lost;

    Held(Claim claim) {
        this.claim = claim;
        this.missing = claim.missingImages().length;
    }
}
