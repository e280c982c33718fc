package dev.darkroom.sampling;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How β grows over the training timesteps, by the names of {@code beta_schedule} in scheduler_config.json. */
public enum BetaSchedule {
    /** Ho et al. 2020: β evenly spaced. */
    LINEAR,
    /** Rombach et al. 2022: √β evenly spaced. */
    SCALED_LINEAR,
    /** Nichol and Dhariwal 2021, equation (17): ᾱ follows a squared cosine, β is capped at 0.999. */
    SQUAREDCOS_CAP_V2;

    /** The name in scheduler_config.json, for example {@code scaled_linear}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<BetaSchedule> of(String id) {
        return Arrays.stream(values()).filter(value -> value.id().equals(id)).findFirst();
    }

    /** β of every training timestep. Float where torch has float: these roundings reach the picture. */
    float[] betas(int trainTimesteps, double betaStart, double betaEnd) {
        return switch (this) {
            case LINEAR -> linspace((float) betaStart, (float) betaEnd, trainTimesteps);
            case SCALED_LINEAR -> {
                float[] betas = linspace((float) Math.sqrt(betaStart), (float) Math.sqrt(betaEnd), trainTimesteps);
                for (int t = 0; t < trainTimesteps; t++) {
                    betas[t] *= betas[t];
                }
                yield betas;
            }
            case SQUAREDCOS_CAP_V2 -> {
                float[] betas = new float[trainTimesteps];
                for (int t = 0; t < trainTimesteps; t++) {
                    double ratio = squaredCosine((t + 1) / (double) trainTimesteps)
                            / squaredCosine(t / (double) trainTimesteps);
                    betas[t] = (float) Math.min(1 - ratio, 0.999);
                }
                yield betas;
            }
        };
    }

    private static double squaredCosine(double u) {
        double cos = Math.cos((u + 0.008) / 1.008 * Math.PI / 2);
        return cos * cos;
    }

    /** As torch rounds it: in float, from both ends towards the middle, product and sum fused. */
    private static float[] linspace(float start, float end, int n) {
        float[] values = new float[n];
        float step = n == 1 ? 0 : (end - start) / (n - 1);
        for (int i = 0; i < n; i++) {
            values[i] = i < n / 2 || n == 1 ? Math.fma(step, i, start) : Math.fma(-step, n - i - 1, end);
        }
        return values;
    }
}
