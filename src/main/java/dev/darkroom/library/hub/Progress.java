package dev.darkroom.library.hub;

/** Hears of every few kilobytes that arrive. */
@FunctionalInterface
public interface Progress {
    /**
     * @param file the file being fetched, relative to the model's folder
     * @param done bytes of the whole model that are on disk
     * @param total bytes of the whole model
     */
    void update(String file, long done, long total);
}
