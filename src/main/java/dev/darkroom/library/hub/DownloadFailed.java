package dev.darkroom.library.hub;

import org.jspecify.annotations.Nullable;

/** A model could not be fetched; the message says why. What has arrived is kept, and the next attempt goes on there. */
public final class DownloadFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DownloadFailed(String message) {
        this(message, null);
    }

    DownloadFailed(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
