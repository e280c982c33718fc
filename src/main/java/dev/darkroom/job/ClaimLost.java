package dev.darkroom.job;

/** The job belongs to a later claim, or has ended; what this worker has for it must not be recorded. */
public final class ClaimLost extends RuntimeException {

    private static final long serialVersionUID = 1L;

    ClaimLost(String jobId, long claim) {
        super("job " + jobId + " is no longer held by claim " + claim);
    }
}
