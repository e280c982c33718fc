package dev.darkroom.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.darkroom.request.InvalidImageSpec.Violation;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ImageSpecTests {

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
        ImageSpec spec = ImageSpec.of(apple(), MODEL);
        assertThat(spec)
                .isEqualTo(new ImageSpec(
                        "m",
                        "a red apple",
                        "",
                        0,
                        64,
                        96,
                        20,
                        4.5,
                        0,
                        spec.seed(),
                        1,
                        SamplerKind.DPMPP_2M,
                        SigmaSpacing.KARRAS,
                        List.of(),
                        List.of(),
                        Determinism.EXACT,
                        0,
                        Output.PNG));
        assertThat(spec.seed()).isBetween(0L, (1L << 32) - 1);
    }

    @Test
    void handsOutPngUnlessTheDraftSaysOtherwise() {
        assertThat(ImageSpec.of(apple(), MODEL).output()).isEqualTo(Output.PNG);
        assertThat(ImageSpec.of(apple().outputFormat("jpeg"), MODEL).output())
                .isEqualTo(new Output(OutputFormat.JPEG, 90));
        assertThat(ImageSpec.of(apple().outputFormat("webp").outputCompression(100), MODEL)
                        .output())
                .isEqualTo(new Output(OutputFormat.WEBP, 100));
        assertThat(ImageSpec.of(apple().outputCompression(100), MODEL).output()).isEqualTo(Output.PNG);
    }

    @Test
    void everyPicturesSeedIsExactInJson() {
        long last = ImageSpec.MAX_SEED - 7;
        ImageSpec most = ImageSpec.of(apple().seed(last).n(8), MODEL);
        assertThat(most.single(7).seed()).isEqualTo(ImageSpec.MAX_SEED);
        assertThatThrownBy(() -> ImageSpec.of(apple().seed(last + 1).n(8), MODEL))
                .isInstanceOf(InvalidImageSpec.class)
                .hasMessageContaining("seed must be between 0 and " + last);
    }

    @Test
    void reportsEveryWrongFieldOnceAndAtOnce() {
        ImageDraft draft = new ImageDraft()
                .prompt(" ")
                .negativePrompt("x".repeat(2001))
                .clipSkip(12)
                .width(272)
                .height(40)
                .steps(0)
                .guidanceScale(Double.NaN)
                .guidanceRescale(1.1)
                .seed(-1L)
                .n(11)
                .sampler("magic")
                .schedule("linear")
                .timesteps(Arrays.asList(5, null))
                .sigmas(Arrays.asList(2.0, null))
                .determinism("exactly")
                .previews(17);
        InvalidImageSpec invalid = refusal(draft);
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
        assertThat(ImageSpec.of(apple().sampler("ddpm"), MODEL).schedule()).isEqualTo(SigmaSpacing.DEFAULT);
    }

    @Test
    void refusesAScheduleThatTheSamplerDoesNotAllow() {
        for (SamplerKind sampler : SamplerKind.values()) {
            for (SigmaSpacing schedule : SigmaSpacing.values()) {
                ImageDraft draft = apple().sampler(sampler.id()).schedule(schedule.id());
                if (sampler.schedules().contains(schedule)) {
                    assertThat(ImageSpec.of(draft, MODEL).schedule()).isEqualTo(schedule);
                } else {
                    assertThat(refusal(draft).violations())
                            .extracting(Violation::field, Violation::code)
                            .containsExactly(tuple("schedule", "not_for_this_sampler"));
                }
            }
        }
        assertThat(refusal(apple().sampler("pndm").schedule("karras")))
                .hasMessage("schedule must be default; given: karras, which is not possible with sampler pndm; possible"
                        + " with ddim, lms, euler, euler_ancestral, heun, dpm2, dpm2_ancestral, dpmpp_2s, dpmpp_2m,"
                        + " dpmpp_2m_sde, dpmpp_sde, deis, unipc");
    }

    @Test
    void listedLevelsReplaceStepsAndSchedule() {
        ImageSpec timesteps = ImageSpec.of(apple().timesteps(List.of(999, 500, 0)), MODEL);
        assertThat(timesteps.steps()).isEqualTo(3);
        assertThat(timesteps.schedule()).isEqualTo(SigmaSpacing.DEFAULT);
        assertThat(timesteps.sampling().timesteps()).containsExactly(999, 500, 0);
        ImageSpec sigmas = ImageSpec.of(
                apple().sampler("euler").sigmas(List.of(14.6, 0.03)).steps(2), MODEL);
        assertThat(sigmas.sampling().sigmas()).containsExactly(14.6, 0.03);
    }

    @Test
    void refusesListedLevelsThatCannotBeWalked() {
        assertThat(violations(apple().timesteps(List.of(1000, 500)))).containsExactly("timesteps out_of_range");
        assertThat(violations(apple().timesteps(List.of(5, -1)))).containsExactly("timesteps out_of_range");
        assertThat(violations(apple().timesteps(List.of(5, 5)))).containsExactly("timesteps not_falling");
        assertThat(violations(apple().timesteps(List.of(5, 4)).steps(20))).containsExactly("steps exclusive");
        assertThat(violations(apple().timesteps(List.of(5, 4)).schedule("karras")))
                .containsExactly("schedule exclusive");
        assertThat(violations(apple().timesteps(List.of(5)).sampler("unipc")))
                .containsExactly("timesteps not_for_this_sampler");
        assertThat(violations(apple().timesteps(IntStream.iterate(999, t -> t - 1)
                        .limit(151)
                        .boxed()
                        .toList())))
                .containsExactly("timesteps too_long");
        assertThat(violations(apple().sigmas(List.of(1.0, 0.0)))).containsExactly("sigmas out_of_range");
        assertThat(violations(apple().sigmas(List.of(Double.NaN)))).containsExactly("sigmas out_of_range");
        assertThat(violations(apple().sigmas(List.of(1.0, 2.0)))).containsExactly("sigmas not_falling");
        assertThat(violations(apple().sigmas(List.of(1.0)).sampler("ddim")))
                .containsExactly("sigmas not_for_this_sampler");
        assertThat(violations(apple().sigmas(List.of(1.0)).timesteps(List.of(7))))
                .containsExactly("sigmas exclusive");
    }

    @Test
    void theModelBoundsTheSteps() {
        assertThat(refusal(apple().sampler("lcm").steps(51)))
                .hasMessage("steps must be between 1 and 50 with sampler lcm; given: 51");
        assertThat(ImageSpec.of(apple().sampler("lcm").steps(50), MODEL).steps())
                .isEqualTo(50);
    }

    @Test
    void rescalingNeedsGuidance() {
        assertThat(violations(apple().guidanceScale(1.0).guidanceRescale(0.5)))
                .containsExactly("guidance_rescale needs_guidance");
        assertThat(ImageSpec.of(apple().guidanceRescale(0.5), MODEL).guidanceRescale())
                .isEqualTo(0.5);
    }

    private static ImageDraft apple() {
        return new ImageDraft().prompt("a red apple");
    }

    private static InvalidImageSpec refusal(ImageDraft draft) {
        return catchThrowableOfType(InvalidImageSpec.class, () -> ImageSpec.of(draft, MODEL));
    }

    private static List<String> violations(ImageDraft draft) {
        return refusal(draft).violations().stream()
                .map(violation -> violation.field() + " " + violation.code())
                .toList();
    }

    @Test
    void cannotBeMadeWithAWrongValue() {
        assertThatThrownBy(() -> new ImageSpec(
                        "m",
                        "a red apple",
                        "",
                        0,
                        64,
                        65,
                        20,
                        4,
                        0,
                        0,
                        1,
                        SamplerKind.DDIM,
                        SigmaSpacing.DEFAULT,
                        List.of(),
                        List.of(),
                        Determinism.EXACT,
                        0,
                        Output.PNG))
                .isInstanceOf(InvalidImageSpec.class)
                .hasMessage("height must be a multiple of 4; given: 65");
    }
}
