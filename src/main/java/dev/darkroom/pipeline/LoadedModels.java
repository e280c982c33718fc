package dev.darkroom.pipeline;

import dev.darkroom.pipeline.ModelLibrary.Source;
import java.util.LinkedHashMap;
import java.util.Map;

/** The models of a library on one device, each loaded when it is first opened. For one thread. */
public final class LoadedModels implements AutoCloseable {
    private final Map<String, Source> sources;
    private final String device;
    private final Map<String, DiffusionPipeline> loaded = new LinkedHashMap<>();

    LoadedModels(Map<String, Source> sources, String device) {
        this.sources = sources;
        this.device = device;
    }

    /**
     * Loads a model, or gives the one loaded before; it belongs to this.
     *
     * @throws IllegalArgumentException if there is no such model; the message lists those there are
     * @throws dev.darkroom.weights.InvalidCheckpoint if its files changed and cannot be used any more
     */
    public DiffusionPipeline open(String id) {
        Source source = sources.get(id);
        if (source == null) {
            throw new IllegalArgumentException(
                    "no model \"" + id + "\"; known: " + String.join(", ", sources.keySet()));
        }
        return loaded.computeIfAbsent(id, name -> source.load(device));
    }

    @Override
    public void close() {
        loaded.values().forEach(DiffusionPipeline::close);
        loaded.clear();
    }
}
