package dev.darkroom.pipeline;

import dev.darkroom.pipeline.Backend.Conditionings;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.spec.ImageSpec;

/**
 * One picture on its way: what was asked, its conditioning and its sampler. Made by {@link DiffusionPipeline#begin}, moved
 * by {@link DiffusionPipeline#step}.
 */
public final class Generation {
    private final ImageSpec spec;
    private final int index;
    private final Conditionings conditionings;
    private final Sampler sampler;

    Generation(ImageSpec spec, int index, Conditionings conditionings, Sampler sampler) {
        this.spec = spec;
        this.index = index;
        this.conditionings = conditionings;
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
        return conditionings.negative() != null;
    }

    Sampler sampler() {
        return sampler;
    }

    /** What the U-Net is told in row {@code k} of {@link #rows}; the negative prompt comes first. */
    Conditioning conditioning(int k) {
        Conditioning negative = conditionings.negative();
        return negative != null && k == 0 ? negative : conditionings.prompt();
    }
}
