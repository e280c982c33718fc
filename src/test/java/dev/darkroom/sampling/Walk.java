package dev.darkroom.sampling;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A way from noise to latents that can be walked again and again, with a network that is a formula.
 *
 * @param config the checkpoint's scheduler_config.json
 * @param length number of latents
 */
record Walk(Sampling sampling, Map<String, Object> config, int length) {

    private static final int STEPS = 7;

    /** Every sampler over every schedule it has, with and without what checkpoints say that changes its way. */
    static List<Walk> all() {
        List<Map<String, Object>> configs = List.of(
                config(Map.of("prediction_type", "epsilon")),
                config(Map.of("prediction_type", "v_prediction", "rescale_betas_zero_snr", true)),
                config(Map.of(
                        "prediction_type",
                        "v_prediction",
                        "final_sigmas_type",
                        "sigma_min",
                        "lower_order_final",
                        false)));
        List<Walk> walks = new ArrayList<>();
        for (SamplerKind kind : SamplerKind.values()) {
            for (Sampling sampling : samplings(kind)) {
                for (Map<String, Object> config : configs) {
                    walks.add(new Walk(sampling, config, 15)); // drawn one by one, half a pair is left
                    walks.add(new Walk(sampling, config, 48)); // drawn in blocks
                }
            }
        }
        return walks;
    }

    /** The sampler's walk of {@value STEPS} steps over its default schedule. */
    static Walk of(SamplerKind kind, int length) {
        return new Walk(
                Sampling.of(kind, SigmaSpacing.DEFAULT, STEPS), config(Map.of("prediction_type", "epsilon")), length);
    }

    private static Map<String, Object> config(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(more);
        config.put("_class_name", "DPMSolverMultistepScheduler");
        config.put("num_train_timesteps", 100);
        config.put("beta_schedule", "scaled_linear");
        return config;
    }

    private static List<Sampling> samplings(SamplerKind kind) {
        List<Sampling> samplings = new ArrayList<>();
        for (SigmaSpacing spacing : kind.schedules()) {
            samplings.add(Sampling.of(kind, spacing, STEPS));
        }
        if (kind.takesTimesteps()) {
            List<Integer> timesteps = List.of(99, 80, 64, 41, 22, 9);
            samplings.add(new Sampling(kind, SigmaSpacing.DEFAULT, 6, timesteps, List.of()));
        }
        if (kind.takesSigmas()) {
            List<Double> sigmas = List.of(9.5, 4.0, 2.5, 1.1, 0.4, 0.05);
            samplings.add(new Sampling(kind, SigmaSpacing.DEFAULT, 6, List.of(), sigmas));
        }
        return samplings;
    }

    private NoiseSchedule schedule() {
        return new NoiseSchedule(ScheduleConfig.of(config));
    }

    Sampler begin() {
        SeededNoise noise = new SeededNoise(5);
        return Sampler.of(sampling, schedule(), noise, noise.normal(length));
    }

    Sampler restore(SamplerState state) {
        return Sampler.restore(sampling, schedule(), length, state);
    }

    /** One evaluation and what follows from it. */
    static void step(Sampler sampler) {
        float[] output = sampler.input();
        for (int k = 0; k < output.length; k++) {
            output[k] = output[k] * (float) Math.cos(sampler.timestep()) + 0.1f;
        }
        sampler.absorb(output);
    }

    /** Goes to the end. */
    static End finish(Sampler sampler) {
        while (!sampler.done()) {
            step(sampler);
        }
        return new End(bits(sampler.latents()), bits(sampler.noise.normal(sampler.x.length)));
    }

    private static List<Integer> bits(float[] values) {
        List<Integer> bits = new ArrayList<>();
        for (float value : values) {
            bits.add(Float.floatToRawIntBits(value));
        }
        return bits;
    }

    @Override
    public String toString() {
        return "%s %s%s%s, %d latents, %s"
                .formatted(
                        sampling.sampler().id(),
                        sampling.schedule().id(),
                        sampling.timesteps().isEmpty() ? "" : " at " + sampling.timesteps(),
                        sampling.sigmas().isEmpty() ? "" : " at σ " + sampling.sigmas(),
                        length,
                        config);
    }

    /** Where it ended, to the bit: the latents, and what the generator draws next. */
    record End(List<Integer> latents, List<Integer> draws) {}
}
