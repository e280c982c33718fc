package dev.darkroom.pipeline;

import ai.djl.engine.EngineException;
import dev.darkroom.model.Networks;
import dev.darkroom.model.UNet2DCondition;
import dev.darkroom.spec.ImageSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** The checkpoint's own networks. */
final class NetworkBackend implements Backend {
    private final Networks networks;
    private final PromptEncoder prompts;
    private final boolean padded;

    /**
     * Takes over networks and encoder.
     *
     * @param padded whether U-Net calls are filled up to a few numbers of pictures and rows. That pays where a new shape costs: on
     *     CUDA devices, whose libraries choose and whose allocator divides by shape. On a processor the first call of a shape takes
     *     as long as the next ones and every row costs its time.
     */
    NetworkBackend(Networks networks, PromptEncoder prompts, boolean padded) {
        this.networks = networks;
        this.prompts = prompts;
        this.padded = padded;
    }

    @Override
    public int latentChannels() {
        return networks.vae().latentChannels();
    }

    @Override
    public int factor() {
        return networks.vae().factor();
    }

    @Override
    public Conditionings encode(ImageSpec spec) {
        UNet2DCondition unet = networks.unet();
        boolean guided = spec.guidanceScale() > 1 && !unet.knowsGuidance();
        return call(() -> {
            PromptEncoder.Encoded text =
                    prompts.encode(spec.prompt(), guided ? spec.negativePrompt() : null, spec.clipSkip());
            return new Conditionings(
                    Conditioning.of(unet, text.prompt(), spec, false),
                    text.negative() == null ? null : Conditioning.of(unet, text.negative(), spec, true));
        });
    }

    @Override
    public float[] predict(
            float[] sample, float[] timesteps, long[] rows, float[] context, float[] added, int height, int width) {
        if (!padded) {
            return call(() -> networks.predict(sample, timesteps, rows, context, added, height, width));
        }
        int pictures = timesteps.length;
        int morePictures = powerOfTwo(pictures);
        int moreRows = powerOfTwo(rows.length);
        long[] all = Arrays.copyOf(rows, moreRows);
        Arrays.fill(all, rows.length, moreRows, pictures - 1);
        float[] prediction = call(() -> networks.predict(
                repeated(sample, pictures, morePictures),
                repeated(timesteps, pictures, morePictures),
                all,
                repeated(context, rows.length, moreRows),
                repeated(added, rows.length, moreRows),
                height,
                width));
        return Arrays.copyOf(prediction, prediction.length / moreRows * rows.length);
    }

    /** The numbers of pictures and rows that calls of at most so many rows can have, as pairs; none where any will do. */
    @Override
    public List<int[]> shapes(int maxRows) {
        List<int[]> shapes = new ArrayList<>();
        for (int pictures = 1; padded && pictures <= powerOfTwo(maxRows); pictures *= 2) {
            for (int rows = pictures; rows <= Math.min(2 * pictures, powerOfTwo(maxRows)); rows *= 2) {
                shapes.add(new int[] {pictures, rows});
            }
        }
        return shapes;
    }

    private static int powerOfTwo(int n) {
        return n == 1 ? 1 : Integer.highestOneBit(n - 1) * 2;
    }

    /** {@code [from, …]} → {@code [to, …]}, the last entry repeated. */
    private static float[] repeated(float[] values, int from, int to) {
        int each = values.length / from;
        float[] all = Arrays.copyOf(values, each * to);
        for (int i = from; i < to; i++) {
            System.arraycopy(values, (from - 1) * each, all, i * each, each);
        }
        return all;
    }

    @Override
    public float[] decode(float[] latents, int height, int width) {
        networks.vae().unscale(latents);
        return call(() -> networks.decode(latents, 1, height, width));
    }

    private static <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (EngineException e) {
            throw OutOfDeviceMemory.orSame(e);
        }
    }

    @Override
    public void close() {
        networks.close();
        prompts.close();
    }
}
