package dev.darkroom.blobs;

/** A picture is drawn that an earlier job had too, whose file is just being deleted: to be stored again in a moment. */
public final class ImageBeingDeleted extends ImageStoreUnavailable {

    private static final long serialVersionUID = 1L;

    public ImageBeingDeleted(String hash) {
        super("the picture " + hash + " is being deleted", null);
    }
}
