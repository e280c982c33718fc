package dev.darkroom.nets;

import dev.darkroom.program.NativeHeap;
import dev.darkroom.weights.DiffusersFolder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * Darkroom's side of {@code src/test/reference/compare_speed.py}: does what each line of standard input says and answers with
 * the milliseconds it took. Arguments: model folder, height and width of the latents.
 */
final class SpeedPeer {
    private SpeedPeer() {}

    public static void main(String[] args) throws InterruptedException {
        NativeHeap.start("speed", () -> {
                    try {
                        answer(args);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                })
                .join();
    }

    private static void answer(String[] args) throws IOException {
        int size = Integer.parseInt(args[1]);
        try (Networks networks = new Networks(DiffusersFolder.open(Path.of(args[0])))) {
            networks.check();
            System.out.println("ready " + NativeHeap.isMainHeap());
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            float[] sample = noise(networks.unet().inChannels() * size * size);
            float[] context = noise(2 * 77 * networks.unet().contextWidth());
            float[] z = noise(networks.vae().latentChannels() * size * size);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                long start = System.nanoTime();
                switch (line) {
                    case "unet" ->
                        networks.denoiser()
                                .predict(
                                        sample,
                                        new float[] {500},
                                        new long[] {0, 0},
                                        context,
                                        new float[0],
                                        size,
                                        size);
                    case "decode" -> networks.decode(z, 1, size, size);
                    case "text" -> networks.encodeText(0, new long[77], 0);
                    default -> throw new IllegalArgumentException(line);
                }
                System.out.println("took " + (System.nanoTime() - start) / 1e6 + " " + peakRss());
            }
        }
    }

    private static float[] noise(int n) {
        Random random = new Random(1);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static String peakRss() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .findFirst()
                .orElse("")
                .replaceAll("\\D", "");
    }
}
