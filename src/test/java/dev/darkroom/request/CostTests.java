package dev.darkroom.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostTests {
    private static final ModelInfo MODEL = RequestTests.MODEL;

    @Test
    void aGuidedPictureHasTwoRowsUnlessTheNetworkTakesTheScaleAsAnInput() {
        assertThat(Cost.of(request("a cat", 7.5, "euler"), false).rows()).isEqualTo(2);
        assertThat(Cost.of(request("a cat", 7.5, "euler"), true).rows()).isEqualTo(1);
        assertThat(Cost.of(request("a cat", 1, "euler"), false).rows()).isEqualTo(1);
    }

    @Test
    void evaluationsAreCountedNotSteps() {
        assertThat(Cost.of(request("a cat", 7.5, "euler"), false).work()).isEqualTo(2 * 20);
        assertThat(Cost.of(request("a cat", 7.5, "heun"), false).work()).isEqualTo(2 * 39);
        assertThat(Cost.of(request("a cat", 7.5, "dpm2"), false).work()).isEqualTo(2 * 39);
        assertThat(Cost.of(request("a cat", 7.5, "dpm2_ancestral"), false).work())
                .isEqualTo(2 * 39);
        assertThat(Cost.of(request("a cat", 7.5, "dpmpp_2s"), false).work()).isEqualTo(2 * 20);
        assertThat(Cost.of(request("a cat", 1, "pndm"), false).work()).isEqualTo(21);
    }

    @ParameterizedTest
    @CsvSource({
        "'a cat', 1",
        "'', 1",
        "'BREAK', 2",
        "'BREAK BREAK a cat', 3",
        "'a cat BREAK a dog', 2",
        "'breakfast BREAKFAST', 1",
        "'(a cat:1.2)BREAK[a dog]', 2",
    })
    void everyBreakBeginsAChunk(String prompt, int chunks) {
        assertThat(Cost.chunks(prompt)).isEqualTo(chunks);
    }

    @Test
    void aWordIsOneTokenOrMoreAndSeventyFiveTokensAreAChunk() {
        assertThat(Cost.chunks("cat ".repeat(75))).isEqualTo(1);
        assertThat(Cost.chunks("cat ".repeat(76))).isEqualTo(2);
        assertThat(Cost.chunks("(cat:1.5) ".repeat(75))).isEqualTo(1);
    }

    @Test
    void aPromptOfManyChunksIsRefusedByName() {
        assertThat(Cost.of(request("x BREAK ".repeat(15) + "x", 7.5, "euler"), false)
                        .chunks())
                .isEqualTo(16);
        assertThatThrownBy(() -> request("BREAK ".repeat(333), 7.5, "euler"))
                .isInstanceOfSatisfying(
                        InvalidRequest.class,
                        invalid -> assertThat(invalid.violations())
                                .extracting(InvalidRequest.Violation::field, InvalidRequest.Violation::message)
                                .containsExactly(
                                        org.assertj.core.api.Assertions.tuple(
                                                "prompt",
                                                "prompt must have at most 16 chunks of 75 tokens, and each BREAK begins one; given: 334")));
        assertThatThrownBy(() ->
                        Request.of(Draft.of(Map.of("prompt", "a cat", "negative_prompt", "BREAK ".repeat(16))), MODEL))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("negative_prompt");
    }

    @Test
    void chunksAndSizeAreCharged() {
        long one = Cost.of(request("a cat", 1, "euler"), false).length();
        assertThat(one).isEqualTo(20L * 64 * 96 / 64);
        assertThat(Cost.of(request("x BREAK ".repeat(15) + "x", 1, "euler"), false)
                        .length())
                .isEqualTo(one * 43 / 28);
        Request large = Request.of(
                Draft.of(Map.of("prompt", "a cat", "guidance_scale", 1.0, "width", 256, "height", 192)), MODEL);
        assertThat(Cost.of(large, false).length()).isEqualTo(8 * one);
        assertThat(Cost.of(request("a cat", 7.5, "euler"), false).length()).isEqualTo(2 * one);
    }

    private static Request request(String prompt, double guidance, String sampler) {
        return Request.of(
                Draft.of(Map.of("prompt", prompt, "guidance_scale", guidance, "sampler", sampler, "steps", 20)), MODEL);
    }
}
