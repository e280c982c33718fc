package dev.darkroom.request;

import java.util.Set;

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
 * @param determinism default determinism: what suits the device it is drawn on
 * @param predictionType what the U-Net predicts: {@code epsilon}, {@code v_prediction} or {@code sample}
 * @param trainTimesteps T, number of noise levels the network was trained on: the bound of {@code steps} and {@code
 *     timesteps}
 * @param lcmSteps the bound of {@code steps} with the LCM sampler: the steps of the walk it was distilled from
 * @param maxClipSkip the bound of {@code clip_skip}
 * @param guidanceEmbedded whether the U-Net takes the guidance scale as an input, so that a picture has one row
 * @param parameters number of weights of all networks together
 * @param words all words it was taught, in lower case and of letters alone; none if it may know any
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
        Determinism determinism,
        String predictionType,
        int trainTimesteps,
        int lcmSteps,
        int maxClipSkip,
        boolean guidanceEmbedded,
        long parameters,
        Set<String> words) {

    /** The most steps it can take with a sampler, where the request does not list the levels. */
    public int maxSteps(SamplerKind sampler) {
        return Math.min(Sampling.MAX_STEPS, sampler == SamplerKind.LCM ? lcmSteps : trainTimesteps);
    }
}
