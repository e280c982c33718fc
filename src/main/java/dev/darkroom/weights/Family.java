package dev.darkroom.weights;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The checkpoints that are drawn in one way, by the text-to-image pipeline of diffusers that does so; what depends on the
 * pipeline's class, and not on the configuration of a network, is said here.
 */
public enum Family {
    STABLE_DIFFUSION("StableDiffusion", "(Safe|Legacy)?", 20, 7.5),
    /** The refiner's, too. */
    STABLE_DIFFUSION_XL("StableDiffusionXL", "", 20, 5),
    LATENT_CONSISTENCY("LatentConsistencyModel", "", 4, 8.5);

    /**
     * Words of diffusers' class names, in the order in which it puts them together: pipelines with the same networks. Whether a
     * U-Net takes a mask or a picture beside the latents, and is another network then, its in_channels say.
     */
    private static final String KIN =
            "(ControlNet|ControlNetUnion|ControlNetXS|Adapter|SAG|Panorama|AttendAndExcite|DiffEdit|ModelEditing"
                    + "|Paradigms|Pix2PixZero|KDiffusion)?(PAG)?(Img2Img|Inpaint)?";

    private final String pipeline;
    private final Pattern kin;
    private final int steps;
    private final double guidanceScale;

    Family(String words, String ending, int steps, double guidanceScale) {
        this.pipeline = words + "Pipeline";
        this.kin = Pattern.compile(words + KIN + "Pipeline" + ending);
        this.steps = steps;
        this.guidanceScale = guidanceScale;
    }

    /** By the class that {@code model_index.json} names. */
    static Optional<Family> of(String className) {
        return Arrays.stream(values())
                .filter(family -> family.kin.matcher(className).matches())
                .findFirst();
    }

    /** The text-to-image pipelines' classes. */
    static List<String> pipelines() {
        return Arrays.stream(values()).map(family -> family.pipeline).toList();
    }

    /** The default of requests. */
    public int steps() {
        return steps;
    }

    /** The pipeline's default. Turbo folders do not differ from others: they need a {@code darkroom.json}. */
    public double guidanceScale() {
        return guidanceScale;
    }

    /** Whether the text encoders' last but one layer is what counts when none is skipped (Podell et al. 2023, section 2). */
    public boolean takesPenultimateLayer() {
        return this == STABLE_DIFFUSION_XL;
    }

    /** Whether an empty negative prompt is zeros instead of encoded, unless the folder says otherwise. */
    public boolean zeroesEmptyPrompts() {
        return this == STABLE_DIFFUSION_XL;
    }

    /** Whether the pipeline corrects the file of its scheduler: {@code steps_offset} is 1, {@code clip_sample} false. */
    public boolean correctsScheduler() {
        return this == STABLE_DIFFUSION;
    }
}
