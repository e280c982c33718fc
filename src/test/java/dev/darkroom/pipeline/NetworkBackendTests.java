package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.nets.Networks;
import dev.darkroom.sampling.SeededNoise;
import dev.darkroom.weights.DiffusersFolder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetworkBackendTests {
    private static final DiffusersFolder TINY = DiffusersFolder.open(Path.of("src/test/resources/tiny-sd"));

    /** What a CUDA device gets, on the processor. */
    @Test
    void paddingChangesNoAnswer() {
        try (Networks networks = new Networks(TINY)) {
            Backend plain = new NetworkBackend(networks, new PromptEncoder(networks, List.of(), false), false);
            Backend padded = new NetworkBackend(networks, new PromptEncoder(networks, List.of(), false), true);
            SeededNoise noise = new SeededNoise(1);
            int latent = networks.vae().latentChannels() * 16 * 16;
            int[] rows = {2, 1, 2};
            float[] sample = noise.normal(3 * latent);
            float[] timesteps = {900, 500, 20};
            List<Backend.Context> contexts = Arrays.stream(rows)
                    .<Backend.Context>mapToObj(n -> new NetworkBackend.Told(networks.denoiser()
                            .context(noise.normal(n * 8 * networks.unet().contextWidth()), new float[0], n)))
                    .toList();
            float[] expected = plain.predict(sample, timesteps, contexts, 16, 16);
            float[] found = padded.predict(sample, timesteps, contexts, 16, 16);
            assertThat(Golden.maxDifference(expected, found)).isLessThan(1e-5);
            assertThat(plain.shapes(8)).isEmpty();
            assertThat(padded.shapes(6))
                    .containsExactly(
                            new int[] {1, 1},
                            new int[] {1, 2},
                            new int[] {2, 2},
                            new int[] {2, 4},
                            new int[] {4, 4},
                            new int[] {4, 8},
                            new int[] {8, 8});
        }
    }

    @Test
    void libtorchSaysThatMemoryRanOut() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            EngineException failure =
                    catchThrowableOfType(EngineException.class, () -> manager.zeros(new Shape(1L << 45)));
            System.out.println("" + failure.getMessage().lines().findFirst().orElse(""));
            assertThat(OutOfDeviceMemory.orSame(failure)).isInstanceOf(OutOfDeviceMemory.class);
        }
        EngineException other = new EngineException("expected scalar type Float but found Half");
        assertThat(OutOfDeviceMemory.orSame(other)).isSameAs(other);
        EngineException cuda = new EngineException("CUDA out of memory. Tried to allocate 2.00 GiB.");
        assertThat(OutOfDeviceMemory.orSame(cuda)).isInstanceOf(OutOfDeviceMemory.class);
    }
}
