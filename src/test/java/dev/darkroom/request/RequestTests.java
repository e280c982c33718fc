package dev.darkroom.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.darkroom.request.InvalidRequest.Violation;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RequestTests {

    static final ModelInfo MODEL = new ModelInfo(
            "m",
            "",
            64,
            96,
            32,
            256,
            16,
            20,
            4.5,
            SamplerKind.DPMPP_2M,
            SigmaSpacing.KARRAS,
            Determinism.EXACT,
            "epsilon",
            1000,
            50,
            3,
            false,
            1,
            Set.of());

    @Test
    void takesWhatADraftDoesNotSayFromTheModel() {
        Request request = Request.of(apple(), MODEL);
        assertThat(request)
                .isEqualTo(new Request(
                        "m",
                        new Prompt("a red apple", "", 0),
                        new Size(64, 96),
                        new Sampling(SamplerKind.DPMPP_2M, SigmaSpacing.KARRAS, 20, List.of(), List.of()),
                        new Guidance(4.5, 0),
                        new Seeds(request.seeds().first(), 1),
                        new Run(Determinism.EXACT, 0),
                        Output.PNG));
        assertThat(request.seeds().first()).isBetween(0L, (1L << 32) - 1);
    }

    @Test
    void handsOutPngUnlessTheDraftSaysOtherwise() {
        assertThat(Request.of(apple(), MODEL).output()).isEqualTo(Output.PNG);
        assertThat(Request.of(apple().with("output_format", "jpeg"), MODEL).output())
                .isEqualTo(new Output(OutputFormat.JPEG, 90));
        assertThat(Request.of(apple().with("output_format", "webp").with("output_compression", 100), MODEL)
                        .output())
                .isEqualTo(new Output(OutputFormat.WEBP, 100));
        assertThat(Request.of(apple().with("output_compression", 100), MODEL).output())
                .isEqualTo(Output.PNG);
    }

    @Test
    void everyPicturesSeedIsExactInJson() {
        long last = Seeds.MAX_SEED - 7;
        Request most = Request.of(apple().with("seed", last).with("n", 8), MODEL);
        assertThat(most.single(7).seeds().first()).isEqualTo(Seeds.MAX_SEED);
        assertThatThrownBy(() -> Request.of(apple().with("seed", last + 1).with("n", 8), MODEL))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("seed must be between 0 and " + last);
    }

    @Test
    void reportsEveryWrongFieldOnceAndAtOnce() {
        Draft draft = Draft.of(Map.ofEntries(
                Map.entry("prompt", " "),
                Map.entry("negative_prompt", "x".repeat(2001)),
                Map.entry("clip_skip", 12),
                Map.entry("width", 272),
                Map.entry("height", 40),
                Map.entry("steps", 0),
                Map.entry("guidance_scale", Double.NaN),
                Map.entry("guidance_rescale", 1.1),
                Map.entry("seed", -1L),
                Map.entry("n", 11),
                Map.entry("sampler", "magic"),
                Map.entry("schedule", "linear"),
                Map.entry("timesteps", Arrays.asList(5, null)),
                Map.entry("sigmas", Arrays.asList(2.0, null)),
                Map.entry("determinism", "exactly"),
                Map.entry("previews", 17)));
        InvalidRequest invalid = refusal(draft);
        assertThat(invalid.violations())
                .extracting(violation -> violation.field() + " " + violation.code())
                .containsExactlyInAnyOrder(
                        "prompt empty",
                        "negative_prompt too_long",
                        "clip_skip out_of_range",
                        "width out_of_range",
                        "height not_a_multiple",
                        "steps out_of_range",
                        "guidance_scale out_of_range",
                        "guidance_rescale out_of_range",
                        "n out_of_range",
                        "seed out_of_range",
                        "sampler unknown_sampler",
                        "schedule unknown_schedule",
                        "timesteps wrong_type",
                        "sigmas wrong_type",
                        "determinism unknown_determinism",
                        "previews out_of_range");
        assertThat(invalid.violations())
                .extracting(Violation::message)
                .contains(
                        "sampler must be one of ddpm, ddim, pndm, lms, euler, euler_ancestral, heun, dpm2, dpm2_ancestral,"
                                + " dpmpp_2s, dpmpp_2m, dpmpp_2m_sde, dpmpp_sde, deis, unipc, lcm; given: \"magic\"");
    }

    @Test
    void aModelsScheduleThatTheSamplerDoesNotAllowGivesWay() {
        assertThat(Request.of(apple().with("sampler", "ddpm"), MODEL).sampling().schedule())
                .isEqualTo(SigmaSpacing.DEFAULT);
    }

    @Test
    void refusesAScheduleThatTheSamplerDoesNotAllow() {
        for (SamplerKind sampler : SamplerKind.values()) {
            for (SigmaSpacing schedule : SigmaSpacing.values()) {
                Draft draft = apple().with("sampler", sampler.id()).with("schedule", schedule.id());
                if (sampler.schedules().contains(schedule)) {
                    assertThat(Request.of(draft, MODEL).sampling().schedule()).isEqualTo(schedule);
                } else {
                    assertThat(refusal(draft).violations())
                            .extracting(Violation::field, Violation::code)
                            .containsExactly(tuple("schedule", "not_for_this_sampler"));
                }
            }
        }
        assertThat(refusal(apple().with("sampler", "pndm").with("schedule", "karras")))
                .hasMessage("schedule must be default; given: karras, which is not possible with sampler pndm; possible"
                        + " with ddim, lms, euler, euler_ancestral, heun, dpm2, dpm2_ancestral, dpmpp_2s, dpmpp_2m,"
                        + " dpmpp_2m_sde, dpmpp_sde, deis, unipc");
    }

    @Test
    void listedLevelsReplaceStepsAndSchedule() {
        Request timesteps = Request.of(apple().with("timesteps", List.of(999, 500, 0)), MODEL);
        assertThat(timesteps.sampling().steps()).isEqualTo(3);
        assertThat(timesteps.sampling().schedule()).isEqualTo(SigmaSpacing.DEFAULT);
        assertThat(timesteps.sampling().timesteps()).containsExactly(999, 500, 0);
        Request sigmas = Request.of(
                apple().with("sampler", "euler")
                        .with("sigmas", List.of(14.6, 0.03))
                        .with("steps", 2),
                MODEL);
        assertThat(sigmas.sampling().sigmas()).containsExactly(14.6, 0.03);
    }

    @Test
    void refusesListedLevelsThatCannotBeWalked() {
        assertThat(violations(apple().with("timesteps", List.of(1000, 500)))).containsExactly("timesteps out_of_range");
        assertThat(violations(apple().with("timesteps", List.of(5, -1)))).containsExactly("timesteps out_of_range");
        assertThat(violations(apple().with("timesteps", List.of(5, 5)))).containsExactly("timesteps not_falling");
        assertThat(violations(apple().with("timesteps", List.of(5, 4)).with("steps", 20)))
                .containsExactly("steps exclusive");
        assertThat(violations(apple().with("timesteps", List.of(5, 4)).with("schedule", "karras")))
                .containsExactly("schedule exclusive");
        assertThat(violations(apple().with("timesteps", List.of(5)).with("sampler", "unipc")))
                .containsExactly("timesteps not_for_this_sampler");
        assertThat(violations(apple().with(
                                "timesteps",
                                IntStream.iterate(999, t -> t - 1)
                                        .limit(151)
                                        .boxed()
                                        .toList())))
                .containsExactly("timesteps too_long");
        assertThat(violations(apple().with("sigmas", List.of(1.0, 0.0)))).containsExactly("sigmas out_of_range");
        assertThat(violations(apple().with("sigmas", List.of(Double.NaN)))).containsExactly("sigmas out_of_range");
        assertThat(violations(apple().with("sigmas", List.of(1.0, 2.0)))).containsExactly("sigmas not_falling");
        assertThat(violations(apple().with("sigmas", List.of(1.0)).with("sampler", "ddim")))
                .containsExactly("sigmas not_for_this_sampler");
        assertThat(violations(apple().with("sigmas", List.of(1.0)).with("timesteps", List.of(7))))
                .containsExactly("sigmas exclusive");
    }

    @Test
    void theModelBoundsTheSteps() {
        assertThat(refusal(apple().with("sampler", "lcm").with("steps", 51)))
                .hasMessage("steps must be between 1 and 50 with sampler lcm; given: 51");
        assertThat(Request.of(apple().with("sampler", "lcm").with("steps", 50), MODEL)
                        .sampling()
                        .steps())
                .isEqualTo(50);
    }

    @Test
    void rescalingNeedsGuidance() {
        assertThat(violations(apple().with("guidance_scale", 1.0).with("guidance_rescale", 0.5)))
                .containsExactly("guidance_rescale needs_guidance");
        assertThat(Request.of(apple().with("guidance_rescale", 0.5), MODEL)
                        .guidance()
                        .rescale())
                .isEqualTo(0.5);
    }

    private static Draft apple() {
        return Draft.of(Map.of("prompt", "a red apple"));
    }

    private static InvalidRequest refusal(Draft draft) {
        return catchThrowableOfType(InvalidRequest.class, () -> Request.of(draft, MODEL));
    }

    private static List<String> violations(Draft draft) {
        return refusal(draft).violations().stream()
                .map(violation -> violation.field() + " " + violation.code())
                .toList();
    }

    @Test
    void cannotBeMadeWithAWrongValue() {
        assertThatThrownBy(() -> new Request(
                        "m",
                        new Prompt("a red apple", "", 0),
                        new Size(64, 65),
                        new Sampling(SamplerKind.DDIM, SigmaSpacing.DEFAULT, 20, List.of(), List.of()),
                        new Guidance(4, 0),
                        new Seeds(0, 1),
                        new Run(Determinism.EXACT, 0),
                        Output.PNG))
                .isInstanceOf(InvalidRequest.class)
                .hasMessage("height must be a multiple of 4; given: 65");
    }
}
