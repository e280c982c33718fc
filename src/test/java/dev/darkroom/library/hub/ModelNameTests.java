package dev.darkroom.library.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelNameTests {

    @ParameterizedTest
    @CsvSource({
        "stable-diffusion-v1-5/stable-diffusion-v1-5, main, stable-diffusion-v1-5--stable-diffusion-v1-5",
        "org/name_1.5@fp16, fp16, org--name_1.5@fp16",
        "o/n@refs/pr/1, refs/pr/1, o--n@refs--pr--1",
        "o/n@main, main, o--n"
    })
    void knowsTheRevisionAndTheFolder(String text, String revision, String id) {
        assertThat(ModelName.of(text).revision()).isEqualTo(revision);
        assertThat(ModelName.of(text).id()).isEqualTo(id);
        assertThat(ModelName.of(ModelName.of(text).toString())).isEqualTo(ModelName.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "name",
                "/name",
                "org/",
                "org/name@",
                "a/b/c",
                "../name",
                "org/..",
                "org/.name",
                "org/a--b",
                "org/name@../../x",
                "org/name@/x",
                "org/name@a//b",
                "org/name@a@b",
                "org/na me",
                "org/name?x",
                "org\\name",
                "https://hub/org/name",
                "org/name\n"
            })
    void refusesWhatCouldBeSomethingElse(String text) {
        assertThatThrownBy(() -> ModelName.of(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a model on the hub is named org/name or org/name@revision; given: ");
    }

    @Test
    void refusesANameOfExcessiveLength() {
        assertThatThrownBy(() -> ModelName.of("org/" + "a".repeat(97))).isInstanceOf(IllegalArgumentException.class);
    }
}
