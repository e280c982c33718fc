package dev.darkroom.library;

import dev.darkroom.library.ModelLibrary.Source;
import dev.darkroom.pipeline.DeviceThread;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.OutOfDeviceMemory;
import dev.darkroom.program.NativeHeap;
import dev.darkroom.request.ModelInfo;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models of a library on one device. They are loaded beside the device's thread, one at a time; those that were not used
 * for longest are let go when another needs their memory. Its methods are for one thread, the device's.
 */
public final class LoadedModels implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LoadedModels.class);

    /** Whether a model can be drawn with. */
    public enum Readiness {
        /** {@link #open} does not wait. */
        READY,
        /** It, or one before it, is being loaded. */
        LOADING,
        /** It does not fit beside those that are in use. */
        WANTS_ROOM
    }

    private record Loading(String id, CompletableFuture<DiffusionPipeline> model) {}

    private final Map<String, Source> sources;
    private final String device;
    private final long budget;
    private final Map<String, DiffusionPipeline> loaded = new LinkedHashMap<>(16, 0.75f, true);
    private @Nullable Loading loading;

    /** @param budget bytes of models that may be loaded at a time; a single model that has more is loaded alone */
    LoadedModels(Map<String, Source> sources, String device, long budget) {
        this.sources = sources;
        this.device = device;
        this.budget = budget;
    }

    public Optional<ModelInfo> info(String id) {
        return Optional.ofNullable(sources.get(id)).map(Source::info);
    }

    /**
     * Begins to load a model that is not there, letting others go if need be.
     *
     * @param inUse models that must stay
     * @throws dev.darkroom.weights.InvalidCheckpoint if its files changed and cannot be used any more
     * @throws OutOfDeviceMemory if it does not fit
     */
    public Readiness prepare(String id, Set<String> inUse) {
        if (loaded.containsKey(id)) {
            return Readiness.READY;
        }
        if (loading != null) {
            if (!loading.model.isDone()) {
                return Readiness.LOADING;
            }
            arrive();
            return prepare(id, inUse);
        }
        Source source = source(id);
        if (!makeRoom(source.bytes(), inUse)) {
            return Readiness.WANTS_ROOM;
        }
        CompletableFuture<DiffusionPipeline> model = new CompletableFuture<>();
        loading = new Loading(id, model);
        // A thread of its own, which ends with it: libtorch's helper threads end with the thread that they help.
        DeviceThread.start("loading " + id, () -> {
            long start = System.nanoTime();
            try {
                DiffusionPipeline pipeline = source.load(device);
                try {
                    pipeline.load();
                } catch (RuntimeException | Error e) {
                    pipeline.close();
                    throw e;
                }
                log.info("Model {} was loaded on {} in {} ms", id, device, (System.nanoTime() - start) / 1_000_000);
                model.complete(pipeline);
            } catch (Throwable e) {
                model.completeExceptionally(e);
            }
        });
        return Readiness.LOADING;
    }

    /**
     * The model, which is loaded now if it is not yet; it belongs to this.
     *
     * @throws IllegalArgumentException if there is no such model; the message lists those there are
     * @throws dev.darkroom.weights.InvalidCheckpoint if its files changed and cannot be used any more
     */
    public DiffusionPipeline open(String id) {
        if (loading != null && loading.id.equals(id)) {
            arrive();
        }
        DiffusionPipeline model = loaded.get(id);
        if (model == null) {
            model = source(id).load(device);
            loaded.put(id, model);
        }
        return model;
    }

    private Source source(String id) {
        Source source = sources.get(id);
        if (source == null) {
            throw new IllegalArgumentException(
                    "no model \"" + id + "\"; known: " + String.join(", ", sources.keySet()));
        }
        return source;
    }

    /** Waits for the model that is being loaded. */
    private void arrive() {
        Loading arriving = loading;
        loading = null;
        if (arriving == null) {
            return;
        }
        try {
            loaded.put(arriving.id, arriving.model.join());
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException reason) {
                throw reason;
            }
            if (e.getCause() instanceof OutOfMemoryError reason) {
                throw reason;
            }
            throw e;
        }
    }

    /** Lets models go until so many bytes are free, those not used for longest first. */
    private boolean makeRoom(long bytes, Set<String> inUse) {
        boolean letGo = false;
        Iterator<Map.Entry<String, DiffusionPipeline>> all = loaded.entrySet().iterator();
        while (bytes() + bytes > budget && all.hasNext()) {
            Map.Entry<String, DiffusionPipeline> model = all.next();
            if (!inUse.contains(model.getKey())) {
                all.remove();
                model.getValue().close();
                letGo = true;
                log.info("Model {} is let go on {}, for another", model.getKey(), device);
            }
        }
        if (letGo) {
            NativeHeap.trim();
        }
        return loaded.isEmpty() || bytes() + bytes <= budget;
    }

    private long bytes() {
        return loaded.keySet().stream().mapToLong(id -> source(id).bytes()).sum();
    }

    @Override
    public void close() {
        try {
            arrive();
        } catch (RuntimeException | OutOfMemoryError e) {
            log.debug("A model that nobody waits for any more was not loaded", e);
        }
        loaded.values().forEach(DiffusionPipeline::close);
        loaded.clear();
    }
}
