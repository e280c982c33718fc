package dev.darkroom.pipeline;

import dev.darkroom.spec.ImageSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The networks of one model on one device, as far as drawing goes: arrays of plain floats in and out, row-major. One thread at a
 * time.
 */
interface Backend extends AutoCloseable {
    /** Channels of the latents. */
    int latentChannels();

    /** Pixels per latent in each direction. */
    int factor();

    /**
     * What a picture's rows are told.
     *
     * @param negative of the same shapes as {@code prompt}; null without classifier-free guidance
     */
    record Conditionings(Conditioning prompt, @Nullable Conditioning negative) {}

    /** Encodes prompt and negative prompt. */
    Conditionings encode(ImageSpec spec);

    /**
     * One evaluation of the U-Net for pictures that may have several rows, which differ in their conditioning only.
     *
     * @param sample {@code [pictures, latentChannels, height, width]}
     * @param timesteps {@code [pictures]}, each picture its own
     * @param rows {@code [rows]}, the picture of each row, from 0
     * @param context {@code [rows, tokens, contextWidth]}
     * @param added {@code [rows, addedWidth]}
     * @param height of the latents
     * @param width of the latents
     * @return the predictions, {@code [rows, latentChannels, height, width]}
     */
    float[] predict(
            float[] sample, float[] timesteps, long[] rows, float[] context, float[] added, int height, int width);

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
