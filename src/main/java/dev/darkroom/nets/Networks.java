package dev.darkroom.nets;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The networks of a Stable-Diffusion-class checkpoint: arrays of plain floats in, arrays of plain floats out, row-major in
 * the shapes given. Each is loaded when it is first used. Not thread-safe.
 */
public final class Networks implements AutoCloseable {
    /**
     * What a text encoder says about one prompt.
     *
     * @param hidden {@code [t, width]}
     * @param pooled {@code [pooledWidth]}; null where the encoder has none
     */
    public record TextStates(float[] hidden, float @Nullable [] pooled) {}

    /**
     * One network as it is built for this machine.
     *
     * @param name for example {@code unet}, {@code vae decoder}
     * @param className of the component, for example {@code UNet2DConditionModel}
     * @param dtype of its weights on disk
     * @param parameters number of weights
     * @param bytes memory its weights take when loaded, in the kernels' layout
     * @param flops floating-point operations of one call with batch size 1 (a prompt, a row, a picture); a multiply-add counts as
     *     two, a convolution as many as its definition says
     */
    public record Summary(String name, String className, DType dtype, long parameters, long bytes, long flops) {}

    private final List<ClipText> texts = new ArrayList<>();
    /** Whether the last but one layer is what counts when none is skipped: in SDXL. */
    private final boolean penultimate;

    private final UNet2DCondition unet;
    private final Denoiser denoiser;
    private final Autoencoder vae;
    private final List<Part> textParts = new ArrayList<>();
    private final Part unetPart;
    private final Part vaePart;
    private final @Nullable Part vaeEncoderPart;

    /**
     * Reads the configs; weights are neither read nor checked yet.
     *
     * @throws dev.darkroom.weights.InvalidCheckpoint naming the option that is missing or not supported
     */
    public Networks(DiffusersFolder folder) {
        this(folder, 0, 0, Device.cpu());
    }

    /** The same on a device; the U-Net computes in 16-bit floats on a GPU. */
    public Networks(DiffusersFolder folder, Device device) {
        this(folder, 0, 0, device);
    }

    /**
     * The same, laid out for latents of this size; others can be drawn too.
     *
     * @param height of the latents; 0 for the size the U-Net was trained on
     * @param width of the latents; 0 for the size the U-Net was trained on
     */
    public Networks(DiffusersFolder folder, int height, int width) {
        this(folder, height, width, Device.cpu());
    }

    private Networks(DiffusersFolder folder, int height, int width, Device device) {
        penultimate = folder.family().takesPenultimateLayer();
        for (String name : List.of("text_encoder", "text_encoder_2")) {
            if (folder.has(name)) {
                textParts.add(new Part(name, folder.component(name), device, false));
                texts.add(new ClipText(textParts.get(textParts.size() - 1).component));
            }
        }
        unetPart = new Part("unet", folder.component("unet"), device, true);
        vaePart = new Part("vae decoder", folder.component("vae"), device, false);
        if (texts.isEmpty()) {
            throw InvalidCheckpoint.ofKey(folder.path().resolve("model_index.json"), "text_encoder", "one", "none");
        }
        unet = new UNet2DCondition(
                unetPart.component, texts.get(texts.size() - 1).pooledWidth());
        AutoencoderKl full =
                vaePart.component.className().equals("AutoencoderTiny") ? null : new AutoencoderKl(vaePart.component);
        vae = full == null ? new AutoencoderTiny(vaePart.component) : full;
        int textWidth = texts.stream().mapToInt(ClipText::width).sum();
        if (unet.contextWidth() != textWidth) {
            throw InvalidCheckpoint.ofKey(
                    unetPart.component.configFile(),
                    "cross_attention_dim",
                    textWidth + ", the text encoders' hidden_size",
                    Integer.toString(unet.contextWidth()));
        }
        if (unet.inChannels() != vae.latentChannels()) {
            throw InvalidCheckpoint.ofKey(
                    unetPart.component.configFile(),
                    "in_channels",
                    vae.latentChannels() + ", the VAE's latent_channels",
                    Integer.toString(unet.inChannels()));
        }
        denoiser = new Denoiser(unet, unetPart);
        long h = height == 0 ? unet.sampleSize() : height;
        long w = width == 0 ? unet.sampleSize() : width;

        for (int i = 0; i < texts.size(); i++) {
            describeText(texts.get(i), textParts.get(i).program, penultimate);
        }

        Program program = unetPart.program;
        Value sample = program.input("sample", 1, unet.inChannels(), h, w);
        Value timestep = program.input("timestep", 1);
        Value context = program.input("context", 1, texts.get(0).positions(), unet.contextWidth());
        Value rows = program.input("rows", 1);
        Value added = unet.addedWidth() == 0 ? null : program.input("added", 1, unet.addedWidth());
        Value prediction = unet.describe(program, sample, timestep, rows, context, added);
        List<Value> inputs = new ArrayList<>(List.of(sample, timestep, rows, context));
        if (added != null) {
            inputs.add(added);
        }
        program.method("forward", prediction, inputs.toArray(Value[]::new));

        program = vaePart.program;
        Value z = program.input("z", 1, vae.latentChannels(), h, w);
        program.method("decode", vae.describeDecoder(program, z), z);
        if (full == null) {
            vaeEncoderPart = null;
        } else {
            vaeEncoderPart = new Part("vae encoder", vaePart.component, device, false);
            program = vaeEncoderPart.program;
            Value x = program.input("x", 1, 3, h * vae.factor(), w * vae.factor());
            program.method("encode", full.describeEncoder(program, x), x);
        }
    }

    private static void describeText(ClipText text, Program program, boolean penultimate) {
        Value ids = program.input("ids", 1, text.positions());
        ClipText.States states = text.describeStates(program, ids, penultimate);
        List<Value> results = new ArrayList<>(states.hidden());
        if (states.pooled() != null) {
            results.add(states.pooled());
        }
        program.method("forward", results, ids);
    }

    /**
     * Looks up every weight that the networks need.
     *
     * @return the number of parameters of all networks together
     * @throws InvalidCheckpoint naming the first that is missing or of another shape
     */
    public long check() {
        return parts().mapToLong(Part::check).sum();
    }

    /**
     * What there is, in the order of use.
     *
     * @throws InvalidCheckpoint if weights are missing
     */
    public List<Summary> summaries() {
        return parts().map(Part::summary).toList();
    }

    /** Loads what is needed to draw, rather than at its first use. */
    public void load() {
        parts().filter(part -> part != vaeEncoderPart).forEach(Part::network);
    }

    /** Bytes that what is needed to draw takes when loaded: weights, and their programs. */
    public long bytes() {
        return parts().filter(part -> part != vaeEncoderPart)
                .mapToLong(part -> part.bytes() + part.programBytes())
                .sum();
    }

    /** How many of the text encoders' last layers can be left out so that one is still there. */
    public int maxClipSkip() {
        int layers = texts.stream().mapToInt(ClipText::layers).min().orElseThrow();
        return layers - (penultimate ? 2 : 1);
    }

    /** How many text encoders there are, 1 or 2. */
    public int textEncoders() {
        return texts.size();
    }

    /** @param encoder from 0, in the order in which their hidden states stand side by side in the U-Net's context */
    public ClipText text(int encoder) {
        return texts.get(encoder);
    }

    /** The component's name, {@code text_encoder} or {@code text_encoder_2}. */
    public String textName(int encoder) {
        return textParts.get(encoder).name;
    }

    public UNet2DCondition unet() {
        return unet;
    }

    public Autoencoder vae() {
        return vae;
    }

    /**
     * Text encoder. What it says without skipping is the family's own choice: the last layer's output through the final
     * norm, or in SDXL the last but one's as it is.
     *
     * @param encoder from 0
     * @param ids token ids of one prompt, at most {@link ClipText#positions}
     * @param clipSkip how many more layers to leave out, 0 or more, as diffusers' {@code clip_skip}
     * @throws IllegalArgumentException if the encoder has too few layers for that
     */
    public TextStates encodeText(int encoder, long[] ids, int clipSkip) {
        Network network = textParts.get(encoder).network();
        boolean pooled = texts.get(encoder).pooledWidth() > 0;
        try (NDManager scope = network.newScope()) {
            NDList states = network.callForList(
                    "forward", scope.create(LongBuffer.wrap(ids), new Shape(1, ids.length), DataType.INT64));
            int choices = states.size() - (pooled ? 1 : 0);
            if (clipSkip < 0 || clipSkip >= choices) {
                throw new IllegalArgumentException("clip_skip must be between 0 and " + (choices - 1) + " with this"
                        + " model; given: " + clipSkip);
            }
            return new TextStates(
                    states.get(clipSkip).toFloatArray(),
                    pooled ? states.get(choices).toFloatArray() : null);
        }
    }

    /** Calls the U-Net. */
    public Denoiser denoiser() {
        return denoiser;
    }

    /**
     * VAE encoder.
     *
     * @param pictures in −1 … 1, {@code [rows, 3, height, width]}
     * @return mean and log variance, {@code [rows, 2 · latentChannels, height / factor, width / factor]}
     * @throws IllegalStateException for a tiny autoencoder, which is built as a decoder only
     */
    public float[] encode(float[] pictures, int rows, int height, int width) {
        if (vaeEncoderPart == null) {
            throw new IllegalStateException("a tiny autoencoder's encoder is not built");
        }
        Network network = vaeEncoderPart.network();
        try (NDManager scope = network.newScope()) {
            return network.call("encode", floats(scope, pictures, rows, 3, height, width))
                    .toFloatArray();
        }
    }

    /**
     * VAE decoder.
     *
     * @param z latents after {@link Autoencoder#unscale}, {@code [rows, latentChannels, height, width]}
     * @return pictures, about −1 … 1, {@code [rows, 3, height · factor, width · factor]}
     */
    public float[] decode(float[] z, int rows, int height, int width) {
        Network network = vaePart.network();
        try (NDManager scope = network.newScope()) {
            return network.call("decode", floats(scope, z, rows, vae.latentChannels(), height, width))
                    .toFloatArray();
        }
    }

    static NDArray floats(NDManager scope, float[] values, long... shape) {
        return scope.create(FloatBuffer.wrap(values), new Shape(shape), DataType.FLOAT32);
    }

    private Stream<Part> parts() {
        return Stream.concat(textParts.stream(), Stream.of(unetPart, vaePart, vaeEncoderPart))
                .filter(Objects::nonNull);
    }

    @Override
    public void close() {
        parts().forEach(Part::close);
    }
}
