package dev.darkroom.spec;

/**
 * What a model offers: its name, its defaults and its limits.
 *
 * @param id the name requests use
 * @param description one line for people
 * @param width default width, pixels
 * @param height default height, pixels
 * @param minSize smallest width or height, pixels
 * @param maxSize largest width or height, pixels
 * @param sizeMultiple width and height are multiples of this (VAE scale × U-Net downsampling), pixels
 * @param steps default number of sampling steps
 * @param guidanceScale default classifier-free guidance scale
 * @param sampler default sampler
 * @param schedule default spacing of the noise levels
 * @param predictionType what the U-Net predicts: {@code epsilon} or {@code v_prediction}
 * @param parameters number of weights of all networks together
 */
public record ModelInfo(
        String id,
        String description,
        int width,
        int height,
        int minSize,
        int maxSize,
        int sizeMultiple,
        int steps,
        double guidanceScale,
        SamplerKind sampler,
        SigmaSpacing schedule,
        String predictionType,
        long parameters) {}
