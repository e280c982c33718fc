package dev.darkroom.pipeline;

import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.ScheduleConfig;
import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.ModelInfo;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * A model without networks: plain Java that takes a set time for each U-Net call, however many rows it has, and gives small
 * pictures that depend on prompt, seed and all the rest, and on nothing else. Schedules, samplers, noise and the pipeline
 * around it are the real ones.
 */
public final class StubModel implements ModelLibrary.Source {
    private static final int CHANNELS = 4;
    private static final int FACTOR = 8;

    private final ModelInfo info;
    private final Duration stepTime;

    private StubModel(String id, Duration stepTime) {
        this.stepTime = stepTime;
        this.info = new ModelInfo(
                id,
                "a stub",
                64,
                64,
                16,
                256,
                FACTOR,
                20,
                1,
                SamplerKind.DDIM,
                SigmaSpacing.DEFAULT,
                Determinism.FAST,
                "epsilon",
                1000,
                50,
                0,
                0);
    }

    /**
     * @param stepTime of one U-Net call
     * @param devices names of devices, one for each worker
     */
    public static ModelLibrary library(Duration stepTime, List<String> devices, String... ids) {
        return new ModelLibrary(
                List.of(ids).stream()
                        .<ModelLibrary.Source>map(id -> new StubModel(id, stepTime))
                        .toList(),
                devices);
    }

    @Override
    public ModelInfo info() {
        return info;
    }

    @Override
    public DiffusionPipeline load(String device) {
        return new DiffusionPipeline(
                info, new Networks(), new NoiseSchedule(ScheduleConfig.of(Map.of("_class_name", "DDIMScheduler"))));
    }

    private final class Networks implements Backend {
        @Override
        public int latentChannels() {
            return CHANNELS;
        }

        @Override
        public int factor() {
            return FACTOR;
        }

        @Override
        public Conditionings encode(ImageSpec spec) {
            return new Conditionings(
                    conditioning(spec.prompt()), spec.guidanceScale() > 1 ? conditioning(spec.negativePrompt()) : null);
        }

        private static Conditioning conditioning(String text) {
            return new Conditioning(new float[] {text.hashCode() % 1000}, new float[0]);
        }

        /** Nearly the input, as if all of it were noise, and a pattern that the prompt decides. */
        @Override
        public float[] predict(
                float[] sample, float[] timesteps, long[] rows, float[] context, float[] added, int height, int width) {
            pass(stepTime);
            int latent = CHANNELS * height * width;
            float[] prediction = new float[rows.length * latent];
            for (int row = 0; row < rows.length; row++) {
                for (int k = 0; k < latent; k++) {
                    prediction[row * latent + k] = 0.9f * sample[(int) rows[row] * latent + k]
                            + 0.1f * (float) Math.sin(context[row] * (k + 1) + timesteps[(int) rows[row]]);
                }
            }
            return prediction;
        }

        @Override
        public List<int[]> shapes(int maxRows) {
            return List.of();
        }

        @Override
        public float[] decode(float[] latents, int height, int width) {
            float[] picture = new float[3 * height * FACTOR * width * FACTOR];
            for (int c = 0; c < 3; c++) {
                for (int y = 0; y < height * FACTOR; y++) {
                    for (int x = 0; x < width * FACTOR; x++) {
                        picture[(c * height * FACTOR + y) * width * FACTOR + x] =
                                (float) Math.tanh(latents[(c * height + y / FACTOR) * width + x / FACTOR]);
                    }
                }
            }
            return picture;
        }

        @Override
        public void close() {}
    }

    private static void pass(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
