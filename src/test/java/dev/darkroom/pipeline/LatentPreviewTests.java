package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.picture.Picture;
import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Previews of the built-in model beside what becomes of the pictures. */
class LatentPreviewTests {

    @Test
    void previewsHaveTheColoursOfTheirPicturesMoreSoTheMorePicturesThereWere(@TempDir Path cache) {
        try (DiffusionPipeline pipeline = new ModelFolder(BuiltInModel.ID, BuiltInModel.unpack(cache)).load()) {
            List<Double> atLast = new ArrayList<>();
            for (String prompt : List.of("a red apple", "a blue heart", "a sun", "a green car", "a red apple")) {
                ImageSpec spec = ImageSpec.of(
                        new ImageDraft().prompt(prompt).seed(1L).steps(16).previews(3), pipeline.info());
                assertThat(spec.determinism()).isEqualTo(Determinism.EXACT);
                Generation generation = pipeline.begin(spec, 0);
                List<Integer> steps = new ArrayList<>();
                List<Picture> previews = new ArrayList<>();
                while (!generation.done()) {
                    pipeline.step(List.of(generation));
                    pipeline.preview(generation).ifPresent(preview -> {
                        steps.add(generation.stepsDone());
                        previews.add(preview);
                    });
                }
                assertThat(steps).containsExactly(4, 8, 12);
                Picture picture =
                        smaller(pipeline.finish(generation), previews.get(0).width());
                List<Double> differences = previews.stream()
                        .map(preview -> meanDifference(preview, picture))
                        .toList();
                System.out.println("mean difference of previews in levels, " + prompt + ": " + differences);
                atLast.add(differences.get(2));
            }
            assertThat(atLast.get(0)).as("before there were pictures").isLessThan(40);
            assertThat(atLast.get(4)).as("the same after four pictures").isLessThan(22);
        }
    }

    private static Picture smaller(Picture picture, int size) {
        int factor = picture.width() / size;
        float[] means = new float[3 * size * size];
        for (int i = 0; i < picture.rgb().length; i++) {
            int x = i / 3 % picture.width() / factor;
            int y = i / 3 / picture.width() / factor;
            means[i % 3 * size * size + y * size + x] += (picture.rgb()[i] & 255) / 127.5f / (factor * factor);
        }
        for (int k = 0; k < means.length; k++) {
            means[k] -= 1;
        }
        return Picture.of(means, size, size);
    }

    private static double meanDifference(Picture a, Picture b) {
        double sum = 0;
        for (int i = 0; i < a.rgb().length; i++) {
            sum += Math.abs((a.rgb()[i] & 255) - (b.rgb()[i] & 255));
        }
        return sum / a.rgb().length;
    }
}
