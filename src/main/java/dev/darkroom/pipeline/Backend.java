package dev.darkroom.pipeline;

import dev.darkroom.request.Request;
import java.util.List;

/**
 * The networks of one model on one device, as far as drawing goes: arrays of plain floats in and out, row-major. One thread at a
 * time.
 */
public interface Backend extends AutoCloseable {
    /** Channels of the latents. */
    int latentChannels();

    /** Pixels per latent in each direction. */
    int factor();

    /** What a picture's rows are told, on the device until it is closed. */
    interface Context extends AutoCloseable {
        /** One, or with classifier-free guidance two, the negative prompt's first. */
        int rows();

        /** Text tokens of each row; pictures of one call have as many as each other. */
        int tokens();

        @Override
        void close();
    }

    /** Chunks of the longer one of prompt and negative prompt. */
    int chunks(Request request);

    /** Encodes prompt and negative prompt. */
    Context encode(Request request);

    /**
     * One evaluation of the U-Net for pictures that may have several rows, which differ in their conditioning only.
     *
     * @param sample {@code [pictures, latentChannels, height, width]}
     * @param timesteps {@code [pictures]}, each picture its own
     * @param contexts {@code [pictures]}, of {@link #encode}, of as many tokens as each other
     * @param height of the latents
     * @param width of the latents
     * @return the predictions, {@code [rows, latentChannels, height, width]}, the rows of a picture one after the other
     */
    float[] predict(float[] sample, float[] timesteps, List<Context> contexts, int height, int width);

    /** Loads what would otherwise be loaded at its first use. On any thread, before anything else is called. */
    void load();

    /** The shapes of calls, pairs of pictures and rows, that are slow for the first time; none where there is no such thing. */
    List<int[]> shapes(int maxRows);

    /**
     * Decodes the latents of one picture.
     *
     * @param latents in the U-Net's scale, {@code [latentChannels, height, width]}; not kept unchanged
     * @return about −1 … 1, {@code [3, height · factor, width · factor]}
     */
    float[] decode(float[] latents, int height, int width);

    @Override
    void close();
}
