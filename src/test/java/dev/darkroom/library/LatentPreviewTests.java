package dev.darkroom.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.darkroom.picture.Picture;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.request.Draft;
import dev.darkroom.request.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Previews of the built-in model beside what becomes of the pictures. */
class LatentPreviewTests {

    @Test
    void previewsOfTheBuiltInModelHaveTheColoursOfTheirPictures(@TempDir Path cache) {
        try (DiffusionPipeline pipeline = new ModelFolder(BuiltInModel.ID, BuiltInModel.unpack(cache)).load()) {
            assertThat(differences(pipeline))
                    .allSatisfy(difference -> assertThat(difference).isLessThan(25));
        }
    }

    @Test
    void aModelWithoutAMapLearnsItFromItsPictures(@TempDir Path cache) throws IOException {
        try (DiffusionPipeline pipeline = withoutMap(cache)) {
            List<Double> differences = differences(pipeline);
            assertThat(differences.get(0)).as("before there were pictures").isLessThan(45);
            assertThat(differences.get(4)).as("the same after four pictures").isLessThan(22);
        }
    }

    /** Prints the map for {@code darkroom.json}. */
    @Test
    @Tag("endurance")
    void theMapOfTheBuiltInModelIsTheOneItsPicturesTeach(@TempDir Path cache) throws IOException {
        double[][] shipped;
        try (DiffusionPipeline pipeline = new ModelFolder(BuiltInModel.ID, BuiltInModel.unpack(cache)).load()) {
            shipped = pipeline.latentRgb();
        }
        double[][] learnt;
        try (DiffusionPipeline pipeline = withoutMap(cache)) {
            Path prompts = Path.of("src/main/resources/dev/darkroom/trainer/prompts.txt");
            for (String line : Files.readAllLines(prompts)) {
                if (!line.startsWith("#")) {
                    draw(pipeline, line.split(" \\| ")[0], 20, 0);
                }
            }
            learnt = pipeline.latentRgb();
        }
        System.out.println("latent_rgb: "
                + Stream.of(learnt)
                        .map(row -> DoubleStream.of(row)
                                .mapToObj("%.3f"::formatted)
                                .collect(Collectors.joining(", ", "[", "]")))
                        .collect(Collectors.joining(", ", "[", "]")));
        for (int i = 0; i < learnt.length; i++) {
            assertThat(shipped[i]).containsExactly(learnt[i], within(0.02));
        }
    }

    private static DiffusionPipeline withoutMap(Path cache) throws IOException {
        Path folder = BuiltInModel.unpack(cache.resolve("without"));
        Path file = folder.resolve("darkroom.json");
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(Files.readString(file));
        json.remove("latent_rgb");
        Files.writeString(file, json.toString());
        return new ModelFolder(BuiltInModel.ID, folder).load();
    }

    /** Of the last of three previews from the picture, mean over pixels, in levels of 255. */
    private static List<Double> differences(DiffusionPipeline pipeline) {
        List<Double> atLast = new ArrayList<>();
        for (String prompt : List.of("a red apple", "a blue heart", "a sun", "a green car", "a red apple")) {
            List<Double> differences = draw(pipeline, prompt, 16, 3);
            System.out.println("mean difference of previews in levels, " + prompt + ": " + differences);
            atLast.add(differences.get(2));
        }
        return atLast;
    }

    private static List<Double> draw(DiffusionPipeline pipeline, String prompt, int steps, int wanted) {
        Request request = Request.of(
                Draft.of(Map.of("prompt", prompt, "seed", 1L, "steps", steps, "previews", wanted)), pipeline.info());
        Generation generation = pipeline.begin(request, 0);
        List<Integer> at = new ArrayList<>();
        List<Picture> previews = new ArrayList<>();
        while (!generation.done()) {
            pipeline.step(List.of(generation));
            pipeline.preview(generation).ifPresent(preview -> {
                at.add(generation.stepsDone());
                previews.add(preview);
            });
        }
        assertThat(at).isEqualTo(wanted == 0 ? List.of() : List.of(4, 8, 12));
        Picture picture = pipeline.finish(generation);
        return previews.stream()
                .map(preview -> meanDifference(preview, smaller(picture, preview.width())))
                .toList();
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
