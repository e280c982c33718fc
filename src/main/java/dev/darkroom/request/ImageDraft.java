package dev.darkroom.request;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client asked for, before defaults and checks: {@code null} means "not said". {@link ImageSpec#of} turns it into
 * an {@link ImageSpec}, whose components have the same names and meanings.
 */
public final class ImageDraft {

    @Nullable
    String prompt;

    @Nullable
    String negativePrompt;

    @Nullable
    Integer clipSkip;

    @Nullable
    Integer width;

    @Nullable
    Integer height;

    @Nullable
    Integer steps;

    @Nullable
    Double guidanceScale;

    @Nullable
    Double guidanceRescale;

    @Nullable
    Long seed;

    @Nullable
    Integer n;

    @Nullable
    String sampler;

    @Nullable
    String schedule;

    @Nullable
    List<Integer> timesteps;

    @Nullable
    List<Double> sigmas;

    @Nullable
    String determinism;

    @Nullable
    Integer previews;

    @Nullable
    String outputFormat;

    @Nullable
    Integer outputCompression;

    public ImageDraft prompt(@Nullable String prompt) {
        this.prompt = prompt;
        return this;
    }

    public ImageDraft negativePrompt(@Nullable String negativePrompt) {
        this.negativePrompt = negativePrompt;
        return this;
    }

    public ImageDraft clipSkip(@Nullable Integer clipSkip) {
        this.clipSkip = clipSkip;
        return this;
    }

    public ImageDraft width(@Nullable Integer width) {
        this.width = width;
        return this;
    }

    public ImageDraft height(@Nullable Integer height) {
        this.height = height;
        return this;
    }

    public ImageDraft steps(@Nullable Integer steps) {
        this.steps = steps;
        return this;
    }

    public ImageDraft guidanceScale(@Nullable Double guidanceScale) {
        this.guidanceScale = guidanceScale;
        return this;
    }

    public ImageDraft guidanceRescale(@Nullable Double guidanceRescale) {
        this.guidanceRescale = guidanceRescale;
        return this;
    }

    public ImageDraft seed(@Nullable Long seed) {
        this.seed = seed;
        return this;
    }

    public ImageDraft n(@Nullable Integer n) {
        this.n = n;
        return this;
    }

    public ImageDraft sampler(@Nullable String sampler) {
        this.sampler = sampler;
        return this;
    }

    public ImageDraft schedule(@Nullable String schedule) {
        this.schedule = schedule;
        return this;
    }

    public ImageDraft timesteps(@Nullable List<Integer> timesteps) {
        this.timesteps = timesteps;
        return this;
    }

    public ImageDraft sigmas(@Nullable List<Double> sigmas) {
        this.sigmas = sigmas;
        return this;
    }

    public ImageDraft determinism(@Nullable String determinism) {
        this.determinism = determinism;
        return this;
    }

    public ImageDraft previews(@Nullable Integer previews) {
        this.previews = previews;
        return this;
    }

    public ImageDraft outputFormat(@Nullable String outputFormat) {
        this.outputFormat = outputFormat;
        return this;
    }

    public ImageDraft outputCompression(@Nullable Integer outputCompression) {
        this.outputCompression = outputCompression;
        return this;
    }

    /** In place of a size that was said, the nearest one that the model draws. */
    public ImageDraft fitted(ModelInfo model) {
        if (width == null && height == null) {
            return this;
        }
        Size size = new Size(width == null ? model.width() : width, height == null ? model.height() : height);
        return width(size.fitted(model).width()).height(size.fitted(model).height());
    }
}
