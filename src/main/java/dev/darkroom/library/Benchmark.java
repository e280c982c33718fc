package dev.darkroom.library;

import dev.darkroom.nets.Networks;
import dev.darkroom.sampling.SeededNoise;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Measures one model on this machine: random numbers in, since the time does not depend on what they say. */
public final class Benchmark {
    private static final int TEXT_TOKENS = 77;

    /**
     * One kind of call.
     *
     * @param call for example {@code unet, 2 rows}
     * @param firstMillis of the first call, which loads the network
     * @param millis median of the others
     * @param millisPerRow the same for each prompt, row or picture in the call
     * @param gflop counted operations of the call, 10⁹
     * @param gflops achieved, 10⁹ a second
     */
    public record Timing(
            String call, double firstMillis, double millis, double millisPerRow, double gflop, double gflops) {}

    private final Networks networks;
    private final int height;
    private final int width;
    private final int rounds;
    private final Consumer<Timing> listener;
    private final List<Timing> timings = new ArrayList<>();

    private Benchmark(Networks networks, int height, int width, int rounds, Consumer<Timing> listener) {
        this.networks = networks;
        this.height = height;
        this.width = width;
        this.rounds = rounds;
        this.listener = listener;
    }

    /**
     * @param folder a diffusers folder
     * @param height of the pictures, pixels; 0 for the model's own
     * @param width of the pictures, pixels; 0 for the model's own
     * @param rows batch sizes of the U-Net
     * @param rounds timed calls of each kind, at least 1
     * @param listener told each result when it is there
     * @throws dev.darkroom.weights.InvalidCheckpoint if the folder cannot be used
     * @throws IllegalArgumentException if the model cannot draw pictures of this size
     */
    public static List<Timing> run(
            Path folder, int height, int width, List<Integer> rows, int rounds, Consumer<Timing> listener) {
        Path path = folder.toAbsolutePath().normalize();
        ModelFolder model = new ModelFolder(path.getFileName().toString(), path);
        int h = height == 0 ? model.info().height() : height;
        int w = width == 0 ? model.info().width() : width;
        int multiple = model.info().sizeMultiple();
        if (h < multiple || w < multiple || h % multiple != 0 || w % multiple != 0) {
            throw new IllegalArgumentException(
                    "height and width must be multiples of " + multiple + "; given: " + w + "×" + h);
        }
        int factor;
        try (Networks networks = new Networks(model.folder())) {
            factor = networks.vae().factor();
        }
        try (Networks networks = new Networks(model.folder(), h / factor, w / factor)) {
            return new Benchmark(networks, h / factor, w / factor, rounds, listener).run(rows);
        }
    }

    private List<Timing> run(List<Integer> rows) {
        List<Networks.Summary> parts = networks.summaries();
        for (int i = 0; i < networks.textEncoders(); i++) {
            int encoder = i;
            int tokens = Math.min(TEXT_TOKENS, networks.text(i).positions());
            String name = "text encoder" + (networks.textEncoders() > 1 ? " " + (i + 1) : "");
            time(name, 1, parts.get(i).flops(), () -> networks.encodeText(encoder, new long[tokens], 0));
        }
        long rowFlops = parts.get(networks.textEncoders()).flops();
        for (int n : rows) {
            time("U-Net, " + n + (n == 1 ? " row" : " rows"), n, rowFlops, () -> predict(n));
        }
        float[] z = new SeededNoise(1).normal(networks.vae().latentChannels() * height * width);
        time(
                "VAE decoder",
                1,
                parts.get(networks.textEncoders() + 1).flops(),
                () -> networks.decode(z, 1, height, width));
        return timings;
    }

    private void predict(int n) {
        SeededNoise noise = new SeededNoise(1);
        float[] timesteps = new float[n];
        long[] rows = new long[n];
        for (int i = 0; i < n; i++) {
            timesteps[i] = 500;
            rows[i] = i;
        }
        int tokens = Math.min(TEXT_TOKENS, networks.text(0).positions());
        networks.denoiser()
                .predict(
                        noise.normal(n * networks.unet().inChannels() * height * width),
                        timesteps,
                        rows,
                        noise.normal(n * tokens * networks.unet().contextWidth()),
                        new float[n * networks.unet().addedWidth()],
                        height,
                        width);
    }

    private void time(String call, int rows, long flopsPerRow, Runnable work) {
        double first = millis(work);
        double[] times = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            times[i] = millis(work);
        }
        Arrays.sort(times);
        double median = times[rounds / 2];
        double gflop = rows * flopsPerRow / 1e9;
        Timing timing = new Timing(call, first, median, median / rows, gflop, gflop / median * 1000);
        timings.add(timing);
        listener.accept(timing);
    }

    private static double millis(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e6;
    }
}
