package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.library.BuiltInModel;
import dev.darkroom.library.ModelFolder;
import dev.darkroom.picture.Picture;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.SamplerKind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One picture alone and in company of others that join and leave as it happens, on the processor. */
class DeterminismTests {
    private static final Path TINY = Path.of("src/test/resources/tiny-sd");

    @Test
    void anExactPictureIsTheSameBytesInAnyCompany() {
        exactInCompany(6);
    }

    @Test
    @Tag("endurance")
    void aHundredExactPicturesAreTheSameBytesInAnyCompany() {
        exactInCompany(100);
    }

    private static void exactInCompany(int pictures) {
        try (DiffusionPipeline pipeline = new ModelFolder("tiny", TINY).load()) {
            Random random = new Random(1);
            for (int i = 0; i < pictures; i++) {
                SamplerKind sampler = SamplerKind.values()[i % SamplerKind.values().length];
                Request request =
                        request("a red apple", 32, 4 + i % 5, 1 + i % 2 * 3, 40 + i, sampler, Determinism.EXACT);
                byte[] alone = inCompany(pipeline, request, 0, random, 0).rgb();
                int position = random.nextInt(8);
                Request moved = request(
                        "a red apple", 32, 4 + i % 5, 1 + i % 2 * 3, 40 + i - position, sampler, Determinism.EXACT);
                assertThat(inCompany(pipeline, moved, position, random, 7).rgb())
                        .as("picture %d, %s", i, sampler)
                        .isEqualTo(alone);
            }
        }
    }

    @Test
    void aFastPictureOfTheTinyModelDiffersByALevelAtMost() {
        try (DiffusionPipeline pipeline = new ModelFolder("tiny", TINY).load()) {
            assertThat(fastDifference(pipeline, 32, 4)).isLessThanOrEqualTo(1);
        }
    }

    @Test
    @Tag("endurance")
    void aFastPictureOfTheBuiltInModelDiffersByALevelAtMost(@TempDir Path cache) {
        try (DiffusionPipeline pipeline = new ModelFolder(BuiltInModel.ID, BuiltInModel.unpack(cache)).load()) {
            assertThat(fastDifference(pipeline, 64, 4)).isLessThanOrEqualTo(1);
        }
    }

    /** @return the most that a picture in company differed from the same alone, in levels of 255 */
    private static double fastDifference(DiffusionPipeline pipeline, int size, int pictures) {
        Random random = new Random(2);
        double latents = 0;
        double levels = 0;
        for (int i = 0; i < pictures; i++) {
            SamplerKind sampler = SamplerKind.values()[i % SamplerKind.values().length];
            Request request = request("a red apple", size, 12, 1 + i % 2 * 3, i, sampler, Determinism.FAST);
            Drawn alone = inCompany(pipeline, request, 0, random, 0);
            Drawn together = inCompany(pipeline, request, 0, random, 7);
            latents = Math.max(latents, Golden.maxDifference(alone.latents, together.latents));
            levels = Math.max(
                    levels, Golden.maxDifference(Golden.levels(alone.picture), Golden.levels(together.picture)));
        }
        System.out.printf(
                "fast, %s, %d pictures: latents %.1e, picture %.0f levels%n",
                pipeline.info().id(), pictures, latents, levels);
        return levels;
    }

    private record Drawn(float[] latents, Picture picture) {
        byte[] rgb() {
            return picture.rgb();
        }
    }

    /** Draws it while up to {@code company} others are in the same batch, which are at other steps and of other kinds. */
    private static Drawn inCompany(DiffusionPipeline pipeline, Request request, int image, Random random, int company) {
        Generation generation = pipeline.begin(request, image);
        List<Generation> others = new ArrayList<>();
        while (!generation.done()) {
            others.removeIf(Generation::done);
            while (others.size() < company && random.nextInt(3) > 0) {
                SamplerKind sampler = SamplerKind.values()[random.nextInt(SamplerKind.values().length)];
                Determinism determinism = random.nextInt(4) == 0 ? Determinism.EXACT : Determinism.FAST;
                Request other = request(
                        "a blue car " + random.nextInt(3),
                        request.size().width(),
                        4 + random.nextInt(9),
                        1 + random.nextInt(2) * 6,
                        random.nextInt(100),
                        sampler,
                        determinism);
                others.add(pipeline.begin(other, 0));
            }
            List<Generation> all = new ArrayList<>(others);
            all.add(random.nextInt(all.size() + 1), generation);
            pipeline.step(all);
        }
        return new Drawn(pipeline.latents(generation), pipeline.finish(generation));
    }

    private static Request request(
            String prompt,
            int size,
            int steps,
            double guidance,
            long seed,
            SamplerKind sampler,
            Determinism determinism) {
        return Requests.of(
                "m",
                Map.of(
                        "prompt",
                        prompt,
                        "width",
                        size,
                        "height",
                        size,
                        "steps",
                        steps,
                        "guidance_scale",
                        guidance,
                        "seed",
                        seed,
                        "n",
                        8,
                        "sampler",
                        sampler.id(),
                        "determinism",
                        determinism.id()));
    }
}
