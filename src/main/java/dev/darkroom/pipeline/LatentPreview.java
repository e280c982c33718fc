package dev.darkroom.pipeline;

import dev.darkroom.sampling.SeededNoise;

/**
 * What latents will look like, about: one colour a latent, by the linear map that comes closest to the model's own VAE. Fitted by
 * least squares to two small pictures that the VAE makes of patches of noise.
 */
final class LatentPreview {
    private static final int SIZE = 16;
    private static final int PATCH = 4;
    private static final int PICTURES = 2;

    private final double[][] map; // [3][channels + 1], the last for the constant

    private LatentPreview(double[][] map) {
        this.map = map;
    }

    static LatentPreview fit(Backend networks) {
        int channels = networks.latentChannels();
        int n = channels + 1;
        double[][] products = new double[n][n + 3]; // the normal equations of the three colours, side by side
        SeededNoise noise = new SeededNoise(0);
        for (int picture = 0; picture < PICTURES; picture++) {
            float[] latents = patches(noise, channels);
            double[] colours = means(networks.decode(latents.clone(), SIZE, SIZE), networks.factor());
            for (int i = 0; i < SIZE * SIZE; i++) {
                double[] row = new double[n + 3];
                for (int c = 0; c < channels; c++) {
                    row[c] = latents[c * SIZE * SIZE + i];
                }
                row[channels] = 1;
                for (int colour = 0; colour < 3; colour++) {
                    row[n + colour] = colours[colour * SIZE * SIZE + i];
                }
                for (int a = 0; a < n; a++) {
                    for (int b = 0; b < n + 3; b++) {
                        products[a][b] += row[a] * row[b];
                    }
                }
            }
        }
        return new LatentPreview(solve(products));
    }

    /** Standard normal, the same number in each square of {@value #PATCH} × {@value #PATCH}. */
    private static float[] patches(SeededNoise noise, int channels) {
        int side = SIZE / PATCH;
        float[] values = noise.normal(channels * side * side);
        float[] latents = new float[channels * SIZE * SIZE];
        for (int k = 0; k < latents.length; k++) {
            int x = k % SIZE / PATCH;
            int y = k / SIZE % SIZE / PATCH;
            latents[k] = values[(k / (SIZE * SIZE) * side + y) * side + x];
        }
        return latents;
    }

    /** {@code [3, SIZE · factor, SIZE · factor]} → the mean over each latent's pixels, {@code [3, SIZE, SIZE]}. */
    private static double[] means(float[] picture, int factor) {
        int width = SIZE * factor;
        double[] means = new double[3 * SIZE * SIZE];
        for (int k = 0; k < picture.length; k++) {
            int y = k / width % width / factor;
            int x = k % width / factor;
            means[(k / (width * width) * SIZE + y) * SIZE + x] += picture[k] / (double) (factor * factor);
        }
        return means;
    }

    /** Gauss and Jordan with pivoting; {@code [n][n + 3]} → {@code [3][n]}. */
    private static double[][] solve(double[][] a) {
        int n = a.length;
        for (int i = 0; i < n; i++) {
            a[i][i] += 1e-6; // a channel that the VAE ignores
        }
        for (int i = 0; i < n; i++) {
            int pivot = i;
            for (int k = i + 1; k < n; k++) {
                if (Math.abs(a[k][i]) > Math.abs(a[pivot][i])) {
                    pivot = k;
                }
            }
            double[] row = a[pivot];
            a[pivot] = a[i];
            a[i] = row;
            for (int k = 0; k < n; k++) {
                double factor = a[k][i] / row[i];
                for (int j = i; k != i && j < n + 3; j++) {
                    a[k][j] -= factor * row[j];
                }
            }
        }
        double[][] map = new double[3][n];
        for (int colour = 0; colour < 3; colour++) {
            for (int i = 0; i < n; i++) {
                map[colour][i] = a[i][n + colour] / a[i][i];
            }
        }
        return map;
    }

    /** @param latents in the U-Net's scale, {@code [channels, height, width]} */
    Picture draw(float[] latents, int height, int width) {
        int pixels = height * width;
        float[] x = new float[3 * pixels];
        for (int colour = 0; colour < 3; colour++) {
            double[] weights = map[colour];
            for (int i = 0; i < pixels; i++) {
                double sum = weights[weights.length - 1];
                for (int c = 0; c < weights.length - 1; c++) {
                    sum += weights[c] * latents[c * pixels + i];
                }
                x[colour * pixels + i] = Double.isNaN(sum) ? 0 : (float) sum;
            }
        }
        return Picture.of(x, width, height);
    }
}
