package dev.darkroom.pipeline;

import ai.djl.engine.EngineException;
import dev.darkroom.nets.Denoiser;
import dev.darkroom.nets.Networks;
import dev.darkroom.nets.UNet2DCondition;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** The checkpoint's own networks. */
public final class NetworkBackend implements Backend {
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
    public NetworkBackend(Networks networks, PromptEncoder prompts, boolean padded) {
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
    public int chunks(Request request) {
        return prompts.chunks(
                request.prompt().text(), isGuided(request) ? request.prompt().negative() : null);
    }

    private boolean isGuided(Request request) {
        return Cost.rows(request, networks.unet().knowsGuidance()) > 1;
    }

    /** On the device. */
    record Told(Denoiser.Context there) implements Context {
        @Override
        public int rows() {
            return there.rows();
        }

        @Override
        public int tokens() {
            return there.tokens();
        }

        @Override
        public void close() {
            there.close();
        }
    }

    @Override
    public Context encode(Request request) {
        UNet2DCondition unet = networks.unet();
        return call(() -> {
            PromptEncoder.Encoded text = prompts.encode(
                    request.prompt().text(),
                    isGuided(request) ? request.prompt().negative() : null,
                    request.prompt().clipSkip());
            Conditioning prompt = Conditioning.of(unet, text.prompt(), request, false);
            if (text.negative() == null) {
                return new Told(networks.denoiser().context(prompt.context(), prompt.added(), 1));
            }
            Conditioning negative = Conditioning.of(unet, text.negative(), request, true);
            return new Told(networks.denoiser()
                    .context(
                            joined(negative.context(), prompt.context()), joined(negative.added(), prompt.added()), 2));
        });
    }

    private static float[] joined(float[] first, float[] second) {
        float[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @Override
    public void load() {
        call(() -> {
            networks.load();
            return true;
        });
    }

    @Override
    public float[] predict(float[] sample, float[] timesteps, List<Context> contexts, int height, int width) {
        List<Denoiser.Context> told =
                contexts.stream().map(context -> ((Told) context).there).toList();
        if (!padded) {
            return call(() -> networks.denoiser().predict(sample, timesteps, told, 0, height, width));
        }
        int pictures = timesteps.length;
        int morePictures = powerOfTwo(pictures);
        int rows = told.stream().mapToInt(Denoiser.Context::rows).sum();
        int moreRows = powerOfTwo(rows);
        float[] prediction = call(() -> networks.denoiser()
                .predict(
                        repeated(sample, pictures, morePictures),
                        repeated(timesteps, pictures, morePictures),
                        told,
                        moreRows - rows,
                        height,
                        width));
        return Arrays.copyOf(prediction, prediction.length / moreRows * rows);
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
