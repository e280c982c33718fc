package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.util.Arrays;
import java.util.List;
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

    /** Relative to the largest latent; or five times as far as diffusers itself moves for noise one ulp larger. */
    private static final double TOLERANCE = 5e-6;

    /** The reference integrates LMS's polynomials numerically, in float; here the integral is exact. */
    private static final double LMS_TOLERANCE = 1e-4;

    /**
     * The level between is where the fresh noise begins, √(to² − up²), and up is nearly to where the levels lie far apart: with 2
     * steps one ulp of σ, by which torch's roots differ from correctly rounded ones, moves it by 0.9 %, and its timestep by 0.01 of 999.
     */
    private static final double ANCESTRAL_LEVELS_TOLERANCE = 2e-5;

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
                sampling(run), new NoiseSchedule(Reference.config(run.get("config"))), noise, noise.normal(64));

        boolean twoSteps = run.get("sampler").stringValue().equals("dpm2_ancestral")
                && run.get("steps").intValue() == 2;
        double levels = twoSteps ? ANCESTRAL_LEVELS_TOLERANCE : 1e-6;
        assertThat(Reference.difference(sampler.timesteps, Reference.floats(run.get("timesteps"))))
                .as("timesteps")
                .isLessThan(levels);
        if (run.has("sigmas")) {
            assertThat(Reference.difference(sampler.sigmas, Reference.floats(run.get("sigmas"))))
                    .as("sigmas")
                    .isLessThan(levels);
        }
        double tolerance = Math.max(
                run.get("sampler").stringValue().equals("lms") ? LMS_TOLERANCE : TOLERANCE,
                5 * run.get("sensitivity").doubleValue());
        for (int evaluation = 0; !sampler.done(); evaluation++) {
            sampler.absorb(network(sampler.input(), sampler.timestep()));
            JsonNode after = run.path("after").path(evaluation);
            if (after.isArray()) {
                assertThat(Reference.difference(
                                Arrays.copyOf(sampler.latents(), after.size()), Reference.floats(after)))
                        .as("first latents after evaluation " + evaluation)
                        .isLessThan(tolerance);
            }
        }
        double difference = Reference.difference(sampler.latents(), Reference.floats(run.get("latents")));
        assertThat(difference).as("latents").isLessThan(tolerance);
    }

    private static Sampling sampling(JsonNode run) {
        JsonNode given = run.path("given");
        List<Integer> timesteps =
                given.path("timesteps").valueStream().map(JsonNode::intValue).toList();
        // diffusers' lists end with the 0 where the walk ends; requests leave it out.
        List<Double> sigmas = given.path("sigmas")
                .valueStream()
                .map(JsonNode::doubleValue)
                .filter(sigma -> sigma > 0)
                .toList();
        return new Sampling(
                SamplerKind.of(run.get("sampler").stringValue()).orElseThrow(),
                SigmaSpacing.of(run.get("schedule").stringValue()).orElseThrow(),
                run.get("steps").intValue(),
                timesteps,
                sigmas);
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
