package dev.darkroom.trainer;

import dev.darkroom.model.ClipTokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** The data set as text encoder and U-Net see it: latents and token ids. */
final class Captioned {
    /**
     * @param latents one picture after the other
     * @param ids token ids of one caption after the other
     */
    record Batch(int size, float[] latents, long[] ids) {}

    private final Dataset dataset;
    private final float[][] latents;
    private final ClipTokenizer tokenizer;
    private final Random random;
    private final double[] cumulativeWeight;
    private final Map<String, long[]> tokens = new HashMap<>();

    /** @param latents of every picture of the data set, normalised */
    Captioned(Dataset dataset, float[][] latents, ClipTokenizer tokenizer, Random random) {
        this.dataset = dataset;
        this.latents = latents;
        this.tokenizer = tokenizer;
        this.random = random;
        cumulativeWeight = new double[dataset.size()];
        double sum = 0;
        for (int i = 0; i < cumulativeWeight.length; i++) {
            sum += dataset.weight(i);
            cumulativeWeight[i] = sum;
        }
    }

    /** Numbers that make up one picture's latents. */
    int latentLength() {
        return latents[0].length;
    }

    /**
     * @param promptDropout share of pictures that get the empty caption
     */
    Batch draw(int size, double promptDropout) {
        float[] pictures = new float[size * latentLength()];
        long[] ids = new long[size * tokenizer.maxLength()];
        for (int i = 0; i < size; i++) {
            int picture = pick();
            System.arraycopy(latents[picture], 0, pictures, i * latentLength(), latentLength());
            String caption = random.nextDouble() < promptDropout ? "" : dataset.caption(picture, random);
            long[] encoded = tokens.computeIfAbsent(caption, tokenizer::encode);
            System.arraycopy(encoded, 0, ids, i * encoded.length, encoded.length);
        }
        return new Batch(size, pictures, ids);
    }

    private int pick() {
        double at = random.nextDouble() * cumulativeWeight[cumulativeWeight.length - 1];
        int found = Arrays.binarySearch(cumulativeWeight, at);
        return Math.min(found < 0 ? -found - 1 : found, cumulativeWeight.length - 1);
    }
}
