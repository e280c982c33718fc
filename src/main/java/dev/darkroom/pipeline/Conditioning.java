package dev.darkroom.pipeline;

import dev.darkroom.nets.Networks.TextStates;
import dev.darkroom.nets.UNet2DCondition;
import dev.darkroom.request.Request;

/**
 * What the U-Net is told in one row beside latents and timestep.
 *
 * @param context {@code [tokens, contextWidth]}
 * @param added {@code [addedWidth]}: pooled text, time ids and guidance scale, as far as this U-Net takes them
 */
record Conditioning(float[] context, float[] added) {
    /** What diffusers' refiner pipeline asks for and steers away from unless told otherwise. */
    private static final float AESTHETIC_SCORE = 6;

    private static final float NEGATIVE_AESTHETIC_SCORE = 2.5f;

    /**
     * The text with SDXL's facts about the picture (Podell et al. 2023, section 2.2): it was never larger than asked for and
     * not cropped.
     *
     * @param negative whether the text is what to steer away from
     */
    static Conditioning of(UNet2DCondition unet, TextStates text, Request request, boolean negative) {
        float[] added = new float[unet.addedWidth()];
        int at = unet.pooledWidth();
        if (at > 0 && text.pooled() != null) {
            System.arraycopy(text.pooled(), 0, added, 0, at);
        }
        if (unet.timeIds() > 0) {
            added[at] = request.size().height();
            added[at + 1] = request.size().width();
            if (unet.timeIds() == 5) {
                added[at + 4] = negative ? NEGATIVE_AESTHETIC_SCORE : AESTHETIC_SCORE;
            } else {
                added[at + 4] = request.size().height();
                added[at + 5] = request.size().width();
            }
        }
        if (unet.knowsGuidance()) {
            added[added.length - 1] = (float) (request.guidance().scale() - 1);
        }
        return new Conditioning(text.hidden(), added);
    }
}
