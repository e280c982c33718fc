package dev.darkroom.sampling;

import java.util.Arrays;

/** Which noise levels a sampler visits. */
public sealed interface Steps {
    /** How many steps that is. */
    int count();

    /** So many, placed by the noise schedule. */
    record Count(int count) implements Steps {}

    /** These training timesteps, whole and falling, 0…T − 1. */
    record Timesteps(int... timesteps) implements Steps {
        @Override
        public int count() {
            return timesteps.length;
        }
    }

    /** These noise levels σ, falling, and at last the one where the walk ends, usually 0. */
    record Sigmas(double... sigmas) implements Steps {
        @Override
        public int count() {
            return sigmas.length - 1;
        }

        double[] withoutLast() {
            return Arrays.copyOf(sigmas, sigmas.length - 1);
        }
    }
}
