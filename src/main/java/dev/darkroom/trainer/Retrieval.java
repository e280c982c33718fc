package dev.darkroom.trainer;

import java.util.Arrays;

/** @param ranks for each picture how many captions are nearer than its own */
record Retrieval(int[] ranks) {
    /** Share of pictures whose own caption is among the {@code n} nearest. */
    double top(int n) {
        return Arrays.stream(ranks).filter(rank -> rank < n).count() / (double) ranks.length;
    }
}
