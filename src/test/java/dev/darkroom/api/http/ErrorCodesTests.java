package dev.darkroom.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.api.v1.ImageRequest;
import dev.darkroom.job.FailureCode;
import dev.darkroom.request.Rule;
import dev.darkroom.request.Warning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The codes of errors, their page, and the names that are proposed for misspelt fields. */
class ErrorCodesTests {

    @Test
    void thePageHasExactlyTheCodesAndTheirStatuses() throws IOException {
        List<String> code = new ArrayList<>();
        for (Problem.Code each : Problem.Code.values()) {
            code.add(each.id() + " " + each.status.value());
        }
        Arrays.stream(Rule.values()).forEach(each -> code.add(each.id() + " field"));
        Arrays.stream(FailureCode.values()).forEach(each -> code.add(each.id() + " job"));
        Arrays.stream(Warning.Code.values()).forEach(each -> code.add(each.id() + " warning"));
        List<String> page = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("docs", "errors.md"))) {
            if (line.startsWith("| `")) {
                String[] cells = line.split("\\|");
                assertThat(cells).as(line).hasSize(5);
                assertThat(cells[3]).as(line).isNotBlank();
                assertThat(cells[4]).as(line).isNotBlank();
                page.add(cells[1].strip().replace("`", "") + " " + cells[2].strip());
            }
        }
        assertThat(page).containsExactlyInAnyOrderElementsOf(code);
    }

    @ParameterizedTest
    @CsvSource({
        "promt, prompt",
        "guidance, guidance_scale",
        "guidanceScale, guidance_scale",
        "guidance_scal, guidance_scale",
        "cfg_scale, guidance_scale",
        "num_inference_steps, steps",
        "size, width",
        "negativ_prompt, negative_prompt",
        "output_fromat, output_format",
        "step, steps",
        "colour,",
        "x,",
        "'',"
    })
    void proposesTheNearestKnownName(String field, String nearest) {
        Set<String> known = RequestBodies.fields(ImageRequest.class).keySet();
        assertThat(RequestBodies.nearest(field, known).orElse(null)).isEqualTo(nearest);
    }
}
