package dev.darkroom.nets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Weights;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every network against diffusers and transformers on the tiny checkpoint. Numbers: {@code
 * src/test/reference/make_reference.py}.
 */
class NetworksTests {
    private static final Path RESOURCES = Path.of("src/test/resources");
    private static Networks networks;
    private static Weights reference;

    @BeforeAll
    static void open() {
        networks = new Networks(DiffusersFolder.open(RESOURCES.resolve("tiny-sd")));
        reference = Weights.open(RESOURCES.resolve("reference/reference.safetensors"));
    }

    @AfterAll
    static void close() {
        networks.close();
        reference.close();
    }

    @Test
    void textHiddenStatesEqualTransformers() {
        JsonNode texts = JsonMapper.shared()
                .readTree(RESOURCES.resolve("reference/reference.json").toFile())
                .get("text");
        for (int i = 0; i < texts.size(); i++) {
            long[] ids = new long[texts.get(i).get("ids").size()];
            for (int j = 0; j < ids.length; j++) {
                ids[j] = texts.get(i).get("ids").get(j).longValue();
            }
            assertClose("text " + i, networks.encodeText(0, ids, 0).hidden(), expected("text." + i + ".hidden"));
            assertClose(
                    "text " + i + ", one layer skipped",
                    networks.encodeText(0, ids, 1).hidden(),
                    expected("text." + i + ".hidden_clip_skip_1"));
        }
    }

    @Test
    void refusesToSkipMoreLayersThanThereAre() {
        assertThatThrownBy(() -> networks.encodeText(0, new long[] {812, 813}, 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("clip_skip must be between 0 and 3");
    }

    @Test
    void oneUnetCallWithThreeTimestepsEqualsDiffusers() {
        float[] output = networks.denoiser()
                .predict(
                        expected("unet.sample"),
                        expected("unet.timestep"),
                        new long[] {0, 1, 2},
                        expected("unet.context"),
                        new float[0],
                        16,
                        16);
        assertClose("unet", output, expected("unet.output"));
    }

    @Test
    void rowsOfOnePictureAreWhatTheyWouldBeWithPicturesOfTheirOwn() {
        float[] sample = expected("unet.sample");
        float[] timesteps = expected("unet.timestep");
        float[] context = expected("unet.context");
        int picture = sample.length / 3;
        float[] two = new float[2 * picture];
        System.arraycopy(sample, picture, two, 0, 2 * picture);
        float[] together = networks.denoiser()
                .predict(
                        two,
                        new float[] {timesteps[1], timesteps[2]},
                        new long[] {0, 0, 1},
                        context,
                        new float[0],
                        16,
                        16);
        float[] three = new float[3 * picture];
        System.arraycopy(two, 0, three, 0, picture);
        System.arraycopy(two, 0, three, picture, 2 * picture);
        float[] apart = networks.denoiser()
                .predict(
                        three,
                        new float[] {timesteps[1], timesteps[1], timesteps[2]},
                        new long[] {0, 1, 2},
                        context,
                        new float[0],
                        16,
                        16);
        assertThat(together).isEqualTo(apart);
    }

    @Test
    void vaeEncoderEqualsDiffusers() {
        float[] moments = networks.encode(expected("vae.picture"), 1, 32, 32);
        int half = moments.length / 2;
        assertClose("mean", Arrays.copyOf(moments, half), expected("vae.mean"));
        assertClose("log variance", Arrays.copyOfRange(moments, half, 2 * half), expected("vae.logvar"));
    }

    @Test
    void vaeDecoderEqualsDiffusers() {
        assertClose("picture", networks.decode(expected("vae.latents"), 1, 16, 16), expected("vae.decoded"));
    }

    private static float[] expected(String name) {
        return reference.tensor(name).toFloats();
    }

    private static void assertClose(String what, float[] found, float[] expected) {
        assertThat(found).hasSameSizeAs(expected);
        double max = 0;
        for (int i = 0; i < found.length; i++) {
            max = Math.max(max, Math.abs(found[i] - expected[i]));
        }
        System.out.printf("%s: maximum difference %.2e%n", what, max);
        assertThat(max).as("maximum difference of %s", what).isLessThan(1e-4);
    }
}
