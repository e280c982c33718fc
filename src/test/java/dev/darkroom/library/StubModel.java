package dev.darkroom.library;

import dev.darkroom.pipeline.Backend;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.LatentPreview;
import dev.darkroom.pipeline.OutOfDeviceMemory;
import dev.darkroom.request.Cost;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.ScheduleConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A model without networks: plain Java that takes a set time for each U-Net call, however many rows it has, and gives small
 * pictures that depend on prompt, seed and all the rest, and on nothing else. Schedules, samplers, noise and the pipeline
 * around it are the real ones.
 *
 * <p>Some prompts go wrong: those that contain {@code unencodable} when they are encoded, {@code unpredictable} at every U-Net call
 * that they have a row in, {@code endless} by latents that are no numbers, {@code too large} for lack of memory even alone, {@code
 * stuck} by a U-Net call that takes an hour; {@code lengthy} ones have 17 chunks.
 */
public final class StubModel implements ModelLibrary.Source {
    private static final int CHANNELS = 4;
    private static final int FACTOR = 8;
    private static final List<String> TROUBLES = List.of("unpredictable", "endless", "too large", "stuck");

    /** How the models of a library behave; may be changed while they draw. */
    public static final class Behaviour {
        public volatile Duration encodeTime = Duration.ZERO;
        /** Of one U-Net call. */
        public volatile Duration stepTime = Duration.ofMillis(20);

        public volatile Duration decodeTime = Duration.ZERO;
        /** Of a model's weights, said, not used. */
        public volatile long modelBytes;
        /** Of loading a model beside the device's thread. */
        public volatile Duration loadTime = Duration.ZERO;
        /** Thrown by the next loading, once. */
        public final AtomicReference<RuntimeException> loadFailure = new AtomicReference<>();
        /** Models that were loaded beside the device's thread and not let go. */
        public final AtomicInteger loaded = new AtomicInteger();
        /** The most U-Net calls at one time, of all devices. */
        public final AtomicInteger mostAtOnce = new AtomicInteger();

        private final AtomicInteger calling = new AtomicInteger();
        /** Contexts on the device. */
        public final AtomicInteger contexts = new AtomicInteger();
        /** Calls of more rows fail for lack of memory. */
        public volatile int fittingRows = Integer.MAX_VALUE;
        /** Thrown by the next U-Net call, once. */
        public final AtomicReference<Error> nextFailure = new AtomicReference<>();
        /** Rows of every U-Net call, failing ones too. */
        public final Queue<Integer> calls = new ConcurrentLinkedQueue<>();
    }

    private final ModelInfo info;
    private final Behaviour behaviour;

    private StubModel(String id, Behaviour behaviour) {
        this.behaviour = behaviour;
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
                false,
                0,
                Set.of());
    }

    /**
     * @param devices names of devices, one for each worker
     * @param ids of the models, the default first
     */
    public static ModelLibrary library(Behaviour behaviour, List<String> devices, String... ids) {
        return library(behaviour, devices, Long.MAX_VALUE, ids);
    }

    /** @param memory of each device, of which a model takes {@link Behaviour#modelBytes} */
    static ModelLibrary library(Behaviour behaviour, List<String> devices, long memory, String... ids) {
        return new ModelLibrary(
                List.of(ids).stream()
                        .<ModelLibrary.Source>map(id -> new StubModel(id, behaviour))
                        .toList(),
                devices,
                memory);
    }

    @Override
    public ModelInfo info() {
        return info;
    }

    @Override
    public long bytes() {
        return behaviour.modelBytes;
    }

    @Override
    public DiffusionPipeline load(String device) {
        Networks networks = new Networks();
        return new DiffusionPipeline(
                info,
                networks,
                new NoiseSchedule(ScheduleConfig.of(Map.of("_class_name", "DDIMScheduler"))),
                new LatentPreview(networks, null));
    }

    private final class Networks implements Backend {
        private volatile boolean loaded;

        @Override
        public int latentChannels() {
            return CHANNELS;
        }

        @Override
        public int factor() {
            return FACTOR;
        }

        @Override
        public int chunks(Request request) {
            return request.prompt().text().contains("lengthy") ? 17 : 1;
        }

        @Override
        public Context encode(Request request) {
            pass(behaviour.encodeTime);
            if (request.prompt().text().contains("unencodable")) {
                throw new IllegalStateException("a prompt that cannot be encoded");
            }
            Text prompt = Text.of(request.prompt().text());
            behaviour.contexts.incrementAndGet();
            return new Texts(
                    Cost.rows(request, info.guidanceEmbedded()) > 1
                            ? List.of(Text.of(request.prompt().negative()), prompt)
                            : List.of(prompt),
                    behaviour.contexts::decrementAndGet);
        }

        @Override
        public void load() {
            pass(behaviour.loadTime);
            RuntimeException failure = behaviour.loadFailure.getAndSet(null);
            if (failure != null) {
                throw failure;
            }
            loaded = true;
            behaviour.loaded.incrementAndGet();
        }

        /** Nearly the input, as if all of it were noise, and a pattern that the prompt decides. */
        @Override
        public float[] predict(float[] sample, float[] timesteps, List<Context> contexts, int height, int width) {
            List<Text> texts = new ArrayList<>();
            List<Integer> pictures = new ArrayList<>();
            for (int i = 0; i < contexts.size(); i++) {
                texts.addAll(((Texts) contexts.get(i)).texts);
                pictures.addAll(Collections.nCopies(contexts.get(i).rows(), i));
            }
            int rows = texts.size();
            behaviour.calls.add(rows);
            behaviour.mostAtOnce.accumulateAndGet(behaviour.calling.incrementAndGet(), Math::max);
            pass(behaviour.stepTime);
            behaviour.calling.decrementAndGet();
            Error failure = behaviour.nextFailure.getAndSet(null);
            if (failure != null) {
                throw failure;
            }
            if (rows > behaviour.fittingRows) {
                throw new OutOfDeviceMemory(rows + " rows", new IllegalStateException());
            }
            int latent = CHANNELS * height * width;
            float[] prediction = new float[rows * latent];
            for (int row = 0; row < rows; row++) {
                int trouble = texts.get(row).trouble;
                int picture = pictures.get(row);
                if (trouble == TROUBLES.indexOf("unpredictable")) {
                    throw new IllegalStateException("a row that cannot be predicted");
                }
                if (trouble == TROUBLES.indexOf("stuck")) {
                    pass(Duration.ofHours(1));
                }
                if (trouble == TROUBLES.indexOf("too large")) {
                    throw new OutOfDeviceMemory("a row that is too large", new IllegalStateException());
                }
                for (int k = 0; k < latent; k++) {
                    prediction[row * latent + k] = trouble == TROUBLES.indexOf("endless")
                            ? Float.NaN
                            : 0.9f * sample[picture * latent + k]
                                    + 0.1f * (float) Math.sin(texts.get(row).number * (k + 1) + timesteps[picture]);
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
            pass(behaviour.decodeTime);
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
        public void close() {
            if (loaded) {
                behaviour.loaded.decrementAndGet();
            }
        }
    }

    /**
     * @param number for the text
     * @param trouble that it makes, an index in the list of troubles; −1 for none
     */
    private record Text(float number, int trouble) {
        static Text of(String text) {
            int trouble = -1;
            for (int i = 0; i < TROUBLES.size(); i++) {
                trouble = text.contains(TROUBLES.get(i)) ? i : trouble;
            }
            return new Text(text.hashCode() % 1000, trouble);
        }
    }

    private record Texts(List<Text> texts, Runnable closed) implements Backend.Context {
        @Override
        public int rows() {
            return texts.size();
        }

        @Override
        public int tokens() {
            return 1;
        }

        @Override
        public void close() {
            closed.run();
        }
    }

    private static void pass(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
