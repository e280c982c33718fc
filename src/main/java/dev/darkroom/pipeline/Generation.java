package dev.darkroom.pipeline;

import dev.darkroom.pipeline.Backend.Context;
import dev.darkroom.request.Request;
import dev.darkroom.sampling.Sampler;
import org.jspecify.annotations.Nullable;

/**
 * One picture on its way: what was asked, its conditioning and its sampler. Made by {@link DiffusionPipeline#begin}, moved
 * by {@link DiffusionPipeline#step}.
 */
public final class Generation implements AutoCloseable {
    private final Request request;
    private final int index;
    private final Context context;
    private final Sampler sampler;
    private float @Nullable [] denoised;

    Generation(Request request, int index, Context context, Sampler sampler) {
        this.request = request;
        this.index = index;
        this.context = context;
        this.sampler = sampler;
    }

    public Request request() {
        return request;
    }

    /** Which picture of the request this is, from 0. */
    public int index() {
        return index;
    }

    /** The seed of this picture. */
    public long seed() {
        return request.seeds().of(index);
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
        return context.rows();
    }

    /**
     * Takes one step.
     *
     * @param output the U-Net's answer after guidance
     */
    void absorb(float[] output) {
        int before = stepsDone();
        float[] clean = request.run().previews() > 0 ? sampler.denoised(output) : null;
        sampler.absorb(output);
        denoised = previewFollows(before) ? clean : null;
    }

    /** The previews divide the steps evenly; after the last step comes the picture itself. */
    private boolean previewFollows(int before) {
        long parts = request.run().previews() + 1;
        return !done() && stepsDone() * parts / steps() > before * parts / steps();
    }

    /** The latents that the last step pointed at, if a preview is to show them. */
    float @Nullable [] denoised() {
        return denoised;
    }

    Sampler sampler() {
        return sampler;
    }

    /** What the U-Net is told in its rows. */
    Context context() {
        return context;
    }

    /** Frees what it has on the device. */
    @Override
    public void close() {
        context.close();
    }
}
