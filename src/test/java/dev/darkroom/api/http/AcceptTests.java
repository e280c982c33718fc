package dev.darkroom.api.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

class AcceptTests {

    private static final List<MediaType> OFFERED =
            MediaType.parseMediaTypes("application/json, image/png, image/jpeg, image/webp, application/zip");

    private static Accept accept(@Nullable String header) {
        HttpHeaders headers = new HttpHeaders();
        if (header != null) {
            headers.set("Accept", header);
        }
        return Accept.of(headers);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
                    -                                                                  | application/json
                    */*                                                                | application/json
                    application/problem+json                                           | application/json
                    application/problem+json, image/webp                               | image/webp
                    image/*                                                            | image/png
                    image/webp                                                         | image/webp
                    IMAGE/WEBP                                                         | image/webp
                    image/png;q=0.5, image/webp;q=0.8                                  | image/webp
                    image/png, image/webp                                              | image/png
                    image/webp, image/png                                              | image/png
                    image/png;q=0.5, */*;q=0.8                                         | application/json
                    image/png, */*;q=0.1                                               | image/png
                    image/*;q=0.9, image/png;q=0                                       | image/jpeg
                    */*, application/json;q=0                                          | image/png
                    image/avif, image/webp, image/apng, image/*, */*;q=0.8             | image/png
                    image/avif, image/webp;q=0.9                                       | image/webp
                    application/zip, application/json;q=0.9                            | application/zip
                    application/json, image/png, image/jpeg, image/webp                | application/json
                    image/png;charset=utf-8                                            | image/png
                    """)
    void takesTheBestQualityAndAmongEqualsWhatIsPreferred(@Nullable String header, String best) {
        assertThat(accept(header).best(OFFERED)).isEqualTo(MediaType.parseMediaType(best));
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/gif", "text/plain, image/avif", "*/*;q=0", "image/*;q=0, text/html"})
    void listsWhatThereIsWhereNothingIsTaken(String header) {
        assertThatThrownBy(() -> accept(header).best(OFFERED))
                .isInstanceOfSatisfying(
                        Problem.class, problem -> assertThat(problem.code()).isEqualTo(Problem.Code.NOT_ACCEPTABLE))
                .hasMessageContaining("application/json, image/png, image/jpeg, image/webp, application/zip");
    }

    @ParameterizedTest
    @ValueSource(strings = {"image", "image/png;q=2", ";;"})
    void refusesWhatIsNoListOfMediaRanges(String header) {
        assertThatThrownBy(() -> accept(header).best(OFFERED)).isInstanceOf(Problem.class);
    }
}
