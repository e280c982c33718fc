package dev.darkroom.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.darkroom.spec.InvalidImageSpec.Violation;
import org.junit.jupiter.api.Test;

class ImageSpecTests {

    private static final ModelInfo MODEL = new ModelInfo(
            "m", "", 64, 96, 32, 256, 16, 20, 4.5, SamplerKind.DPMPP_2M, SigmaSpacing.KARRAS, "epsilon", 1);

    @Test
    void takesWhatADraftDoesNotSayFromTheModel() {
        ImageSpec spec = ImageSpec.of(ImageDraft.of("a red apple"), MODEL);
        assertThat(spec)
                .isEqualTo(new ImageSpec(
                        "m",
                        "a red apple",
                        "",
                        64,
                        96,
                        20,
                        4.5,
                        spec.seed(),
                        1,
                        SamplerKind.DPMPP_2M,
                        SigmaSpacing.KARRAS));
        assertThat(spec.seed()).isBetween(0L, (1L << 32) - 1);
    }

    @Test
    void reportsEveryWrongFieldOnceAndAtOnce() {
        ImageDraft draft =
                new ImageDraft(" ", "x".repeat(2001), null, 272, 40, 0, Double.NaN, -1L, 9, "plms", "linear");
        InvalidImageSpec invalid = catchThrowableOfType(InvalidImageSpec.class, () -> ImageSpec.of(draft, MODEL));
        assertThat(invalid.violations())
                .extracting(violation -> violation.field() + " " + violation.code())
                .containsExactly(
                        "prompt empty",
                        "negative_prompt too_long",
                        "width out_of_range",
                        "height not_a_multiple",
                        "steps out_of_range",
                        "guidance_scale out_of_range",
                        "n out_of_range",
                        "seed out_of_range",
                        "sampler unknown_sampler",
                        "schedule unknown_schedule");
        assertThat(invalid.violations())
                .extracting(Violation::message)
                .contains("sampler must be one of ddim, euler, euler_ancestral, dpmpp_2m; given: \"plms\"");
    }

    @Test
    void cannotBeMadeWithAWrongValue() {
        assertThatThrownBy(() -> new ImageSpec(
                        "m", "a red apple", "", 64, 65, 20, 4, 0, 1, SamplerKind.DDIM, SigmaSpacing.DEFAULT))
                .isInstanceOf(InvalidImageSpec.class)
                .hasMessage("height must be a multiple of 4; given: 65");
    }
}
