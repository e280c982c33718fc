package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.Sampling;
import dev.darkroom.spec.SigmaSpacing;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Whole runs against diffusers 0.35.2: every sampler, spacing of σ and of timesteps, β schedule and prediction type. The
 * network is the formula {@code 0.3·input·cos(t/100) + 0.1} of {@code src/test/reference/sampling_reference.py}.
 */
class SamplerReferenceTests {

    /** Relative to the largest latent. */
    private static final double TOLERANCE = 5e-6;

    /**
     * Where cosine levels begin at σ = 20,291, the first step subtracts numbers a thousand times larger than its result, and
     * float noise that differs in its last bit shows.
     */
    private static final double COSINE_TOLERANCE = 1e-4;

    static Stream<Arguments> runs() {
        return Reference.read().get("runs").valueStream().map(run -> Arguments.argumentSet(describe(run), run));
    }

    private static String describe(JsonNode run) {
        return "%s %s, %d steps, %s"
                .formatted(
                        run.get("sampler").stringValue(),
                        run.get("schedule").stringValue(),
                        run.get("steps").intValue(),
                        run.get("config"));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void endsAtTheLatentsOfDiffusers(JsonNode run) {
        SeededNoise noise = new SeededNoise(run.get("seed").longValue());
        Sampler sampler = Sampler.of(
                Sampling.of(
                        SamplerKind.of(run.get("sampler").stringValue()).orElseThrow(),
                        SigmaSpacing.of(run.get("schedule").stringValue()).orElseThrow(),
                        run.get("steps").intValue()),
                new NoiseSchedule(Reference.config(run.get("config"))),
                noise,
                noise.normal(64));

        assertThat(Reference.difference(sampler.timesteps, Reference.floats(run.get("timesteps"))))
                .as("timesteps")
                .isLessThan(1e-6);
        if (run.has("sigmas")) {
            assertThat(Reference.difference(sampler.sigmas, Reference.floats(run.get("sigmas"))))
                    .as("sigmas")
                    .isLessThan(1e-6);
        }
        double tolerance = sampler.sigmas[0] > 10_000 ? COSINE_TOLERANCE : TOLERANCE;
        while (!sampler.done()) {
            sampler.absorb(network(sampler.input(), sampler.timestep()));
            JsonNode after = run.path("after").path(sampler.stepsDone() - 1);
            if (after.isArray()) {
                assertThat(Reference.difference(
                                Arrays.copyOf(sampler.latents(), after.size()), Reference.floats(after)))
                        .as("first latents after step " + sampler.stepsDone())
                        .isLessThan(tolerance);
            }
        }
        double difference = Reference.difference(sampler.latents(), Reference.floats(run.get("latents")));
        assertThat(difference).as("latents").isLessThan(tolerance);
    }

    private static float[] network(float[] input, float t) {
        float factor = (float) (0.3 * Math.cos(t / 100.0));
        float[] output = new float[input.length];
        for (int k = 0; k < input.length; k++) {
            output[k] = input[k] * factor + 0.1f;
        }
        return output;
    }
}
