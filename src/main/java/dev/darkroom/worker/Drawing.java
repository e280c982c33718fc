package dev.darkroom.worker;

import dev.darkroom.job.Claim;
import dev.darkroom.observe.Stages;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Request;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One picture of a job on its way through a device. For the device's thread. */
final class Drawing extends Batch.Member implements AutoCloseable {
    final Claim claim;
    final Request request;
    final Cost cost;
    final int image;
    final Stages stages = new Stages();
    private final Batch.Key key;
    private @Nullable DiffusionPipeline pipeline;
    private @Nullable Generation generation;

    Drawing(Claim claim, Cost cost, int image) {
        this.claim = claim;
        this.request = claim.request();
        this.cost = cost;
        this.image = image;
        this.key = new Batch.Key(
                request.model(), request.size().width(), request.size().height());
    }

    @Override
    Batch.Key key() {
        return key;
    }

    @Override
    int rows() {
        return cost.rows();
    }

    @Override
    boolean alone() {
        return request.run().determinism() == Determinism.EXACT;
    }

    /** Encodes its prompts and draws its noise. */
    void begin(DiffusionPipeline model) {
        pipeline = model;
        generation = model.begin(request, image);
    }

    DiffusionPipeline pipeline() {
        return Objects.requireNonNull(pipeline);
    }

    Generation generation() {
        return Objects.requireNonNull(generation);
    }

    @Override
    public void close() {
        if (generation != null) {
            generation.close();
        }
    }
}
