package dev.darkroom.sampling;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What the network predicts, by the names of {@code prediction_type} in scheduler_config.json, and the arithmetic between
 * it, the clean sample x0 and the noise ε. The noisy sample is {@code x = α·x0 + σ·ε} with α² + σ² = 1, where α² is ᾱ.
 */
public enum PredictionType {
    /** The noise ε (Ho et al. 2020). */
    EPSILON {
        @Override
        public float denoised(float x, float output, float alpha, float sigma) {
            return (x - sigma * output) / alpha;
        }

        @Override
        public float epsilon(float x, float output, float alpha, float sigma) {
            return output;
        }

        @Override
        public float target(float x0, float epsilon, float alpha, float sigma) {
            return epsilon;
        }

        @Override
        float denoised(float x, float output, float sigma) {
            return x - sigma * output;
        }
    },
    /** The velocity v = α·ε − σ·x0 (Salimans and Ho 2022, section 4). */
    V_PREDICTION {
        @Override
        public float denoised(float x, float output, float alpha, float sigma) {
            return alpha * x - sigma * output;
        }

        @Override
        public float epsilon(float x, float output, float alpha, float sigma) {
            return alpha * output + sigma * x;
        }

        @Override
        public float target(float x0, float epsilon, float alpha, float sigma) {
            return alpha * epsilon - sigma * x0;
        }

        @Override
        float denoised(float x, float output, float sigma) {
            float square = sigma * sigma + 1;
            return output * (-sigma / (float) Math.sqrt(square)) + x / square;
        }
    },
    /** The clean sample x0 itself. */
    SAMPLE {
        @Override
        public float denoised(float x, float output, float alpha, float sigma) {
            return output;
        }

        @Override
        public float epsilon(float x, float output, float alpha, float sigma) {
            return (x - alpha * output) / sigma;
        }

        @Override
        public float target(float x0, float epsilon, float alpha, float sigma) {
            return x0;
        }

        @Override
        float denoised(float x, float output, float sigma) {
            return output;
        }
    };

    /** The x0 that the network's output for x implies. */
    public abstract float denoised(float x, float output, float alpha, float sigma);

    /** The ε that the network's output for x implies. */
    public abstract float epsilon(float x, float output, float alpha, float sigma);

    /** What a perfect network would answer for {@code α·x0 + σ·ε}: the training target. */
    public abstract float target(float x0, float epsilon, float alpha, float sigma);

    /**
     * The implied x0 where {@code x = x0 + σ·ε} is not scaled down, the convention of Karras et al. 2022. A formula of its
     * own because the detour over α would lose digits at large σ.
     */
    abstract float denoised(float x, float output, float sigma);

    /** The name in scheduler_config.json, for example {@code v_prediction}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<PredictionType> of(String id) {
        return Arrays.stream(values()).filter(value -> value.id().equals(id)).findFirst();
    }
}
