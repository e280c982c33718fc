package dev.darkroom.pipeline;

import dev.darkroom.sampling.Sampler;
import dev.darkroom.spec.ImageSpec;

/**
 * One picture on its way: what was asked, its conditioning and its sampler. Made by {@link DiffusionPipeline#begin}, moved
 * by {@link DiffusionPipeline#step}.
 */
public final class Generation {
    private final ImageSpec spec;
    private final int index;
    private final float[] context;
    private final float[] negativeContext;
    private final Sampler sampler;

    /**
     * @param context hidden states of the prompt, {@code [tokens, contextWidth]}
     * @param negativeContext hidden states of the negative prompt, in the same shape
     */
    Generation(ImageSpec spec, int index, float[] context, float[] negativeContext, Sampler sampler) {
        this.spec = spec;
        this.index = index;
        this.context = context;
        this.negativeContext = negativeContext;
        this.sampler = sampler;
    }

    public ImageSpec spec() {
        return spec;
    }

    /** Which picture of the request this is, from 0. */
    public int index() {
        return index;
    }

    /** The seed of this picture. */
    public long seed() {
        return spec.seed() + index;
    }

    public int stepsDone() {
        return sampler.stepsDone();
    }

    public int steps() {
        return sampler.steps();
    }

    public boolean done() {
        return sampler.done();
    }

    /** Rows this picture takes in a U-Net call: classifier-free guidance evaluates the negative prompt too. */
    public int rows() {
        return guided() ? 2 : 1;
    }

    boolean guided() {
        return spec.guidanceScale() > 1;
    }

    Sampler sampler() {
        return sampler;
    }

    float[] context() {
        return context;
    }

    float[] negativeContext() {
        return negativeContext;
    }
}
