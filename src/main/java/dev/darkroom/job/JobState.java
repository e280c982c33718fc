package dev.darkroom.job;

import java.util.Locale;

/** The life of a job. {@link #canBecome} is the whole table of allowed transitions. */
public enum JobState {
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELED;

    public boolean canBecome(JobState next) {
        return switch (this) {
            case QUEUED -> next == RUNNING || next == FAILED || next == CANCELED;
            case RUNNING -> next == QUEUED || next == SUCCEEDED || next == FAILED || next == CANCELED;
            case SUCCEEDED, FAILED, CANCELED -> false;
        };
    }

    /** Nothing follows this state. */
    public boolean isFinal() {
        return switch (this) {
            case QUEUED, RUNNING -> false;
            case SUCCEEDED, FAILED, CANCELED -> true;
        };
    }

    /** The word in rows and answers, for example {@code queued}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
