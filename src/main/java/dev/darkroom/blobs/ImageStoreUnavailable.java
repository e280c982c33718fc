package dev.darkroom.blobs;

import org.jspecify.annotations.Nullable;

/** The store of pictures does not answer, is full, or lost a picture. Nothing was half done; a later try may succeed. */
public sealed class ImageStoreUnavailable extends RuntimeException permits ImageBeingDeleted {
    public ImageStoreUnavailable(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
