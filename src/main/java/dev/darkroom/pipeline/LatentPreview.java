package dev.darkroom.pipeline;

import dev.darkroom.picture.Picture;
import dev.darkroom.sampling.SeededNoise;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What latents will look like, about: one colour a latent, by a linear map. Where the model's folder does not have it, it is
 * the one that comes closest to what the model's own VAE made of the first pictures and of patches of noise, which have all
 * colours.
 */
public final class LatentPreview {
    private static final int SIZE = 16;
    private static final int PATCH = 8;
    private static final int PICTURES_A_CHANNEL = 2;
    /** The colours of larger numbers are saturated, where a linear map has nothing to learn. */
    private static final float DEVIATION = 0.5f;

    /** Pictures after which the map is good enough. */
    private static final int ENOUGH = 100;

    private final Backend networks;
    private final int channels;
    private final int factor;
    private final double[][]
            equations; // [channels + 1][channels + 1 + 3]: the normal equations of three colours, side by side
    private double @Nullable [][] map; // [3][channels + 1], the last for the constant
    private boolean knowsAllColours;
    private int pictures;

    /** @param known the map, {@code [channels + 1][3]}, colours in −1 to 1, the last row for the constant; null to learn it */
    public LatentPreview(Backend networks, double @Nullable [][] known) {
        this.networks = networks;
        this.channels = networks.latentChannels();
        this.factor = networks.factor();
        this.equations = new double[channels + 1][channels + 4];
        for (int i = 0; i <= channels; i++) {
            equations[i][i] = 1e-3; // against channels that the VAE ignores
        }
        if (known != null) {
            map = transposed(known);
            knowsAllColours = true;
            pictures = ENOUGH;
        }
    }

    private static double[][] transposed(double[][] rows) {
        double[][] columns = new double[rows[0].length][rows.length];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < rows[i].length; j++) {
                columns[j][i] = rows[i][j];
            }
        }
        return columns;
    }

    /** The map so far, in the form that a model's folder has it in. */
    double[][] map() {
        return transposed(map == null ? solve() : map);
    }

    private void learnAllColours() {
        SeededNoise noise = new SeededNoise(0);
        int examples = PICTURES_A_CHANNEL * channels;
        for (int i = 0; i < examples; i++) {
            float[] latents = patches(noise, channels);
            learn(latents, networks.decode(latents.clone(), SIZE, SIZE), SIZE, SIZE, 1.0 / examples);
        }
        knowsAllColours = true;
    }

    /** The same number in each square of {@value #PATCH} × {@value #PATCH}. */
    private static float[] patches(SeededNoise noise, int channels) {
        int side = SIZE / PATCH;
        float[] values = noise.normal(channels * side * side);
        float[] latents = new float[channels * SIZE * SIZE];
        for (int k = 0; k < latents.length; k++) {
            int x = k % SIZE / PATCH;
            int y = k / SIZE % SIZE / PATCH;
            latents[k] = DEVIATION * values[(k / (SIZE * SIZE) * side + y) * side + x];
        }
        return latents;
    }

    /** Takes a picture as an example, one of the first. */
    void learn(float[] latents, float[] picture, int height, int width) {
        if (pictures < ENOUGH) {
            pictures++;
            learn(latents, picture, height, width, 1);
        }
    }

    /**
     * Takes an example.
     *
     * @param latents in the U-Net's scale, {@code [channels, height, width]}
     * @param picture what the VAE made of them, {@code [3, height · factor, width · factor]}
     * @param weight what it counts, whatever its size
     */
    private void learn(float[] latents, float[] picture, int height, int width, double weight) {
        int n = channels + 1;
        int pixels = height * width;
        double[] colours = means(picture, height, width);
        if (!Double.isFinite(Arrays.stream(colours).sum())) {
            return; // what a VAE makes that overflows teaches nothing
        }
        double[] row = new double[n + 3];
        for (int i = 0; i < pixels; i++) {
            for (int c = 0; c < channels; c++) {
                row[c] = latents[c * pixels + i];
            }
            row[channels] = 1;
            for (int colour = 0; colour < 3; colour++) {
                row[n + colour] = colours[colour * pixels + i];
            }
            for (int a = 0; a < n; a++) {
                for (int b = 0; b < n + 3; b++) {
                    equations[a][b] += row[a] * row[b] * weight / pixels;
                }
            }
        }
        map = null;
    }

    /** The mean over each latent's pixels, as far as they can be shown, {@code [3, height, width]}. */
    private double[] means(float[] picture, int height, int width) {
        double[] means = new double[3 * height * width];
        int wide = width * factor;
        for (int k = 0; k < picture.length; k++) {
            int x = k % wide / factor;
            int y = k / wide / factor; // of all colours, one below the other
            means[y * width + x] += Math.max(-1, Math.min(1, picture[k])) / (double) (factor * factor);
        }
        return means;
    }

    /** @param latents in the U-Net's scale, {@code [channels, height, width]} */
    Picture draw(float[] latents, int height, int width) {
        if (!knowsAllColours) {
            learnAllColours();
        }
        if (map == null) {
            map = solve();
        }
        int pixels = height * width;
        float[] x = new float[3 * pixels];
        for (int colour = 0; colour < 3; colour++) {
            double[] weights = map[colour];
            for (int i = 0; i < pixels; i++) {
                double sum = weights[channels];
                for (int c = 0; c < channels; c++) {
                    sum += weights[c] * latents[c * pixels + i];
                }
                x[colour * pixels + i] = (float) sum;
            }
        }
        return Picture.of(x, width, height);
    }

    /** By Gauss and Jordan, without pivoting since the matrix is positive definite. */
    private double[][] solve() {
        int n = channels + 1;
        double[][] a = new double[n][];
        for (int i = 0; i < n; i++) {
            a[i] = equations[i].clone();
        }
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                double ratio = a[k][i] / a[i][i];
                for (int j = i; k != i && j < n + 3; j++) {
                    a[k][j] -= ratio * a[i][j];
                }
            }
        }
        double[][] solution = new double[3][n];
        for (int colour = 0; colour < 3; colour++) {
            for (int i = 0; i < n; i++) {
                solution[colour][i] = a[i][n + colour] / a[i][i];
            }
        }
        return solution;
    }
}
