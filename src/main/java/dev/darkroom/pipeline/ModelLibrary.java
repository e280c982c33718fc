package dev.darkroom.pipeline;

import dev.darkroom.spec.ModelInfo;
import dev.darkroom.weights.InvalidCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The models at hand: the one in the jar and one diffusers folder each below the models directory. */
public final class ModelLibrary implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ModelLibrary.class);

    private final Map<String, Source> sources = new LinkedHashMap<>();
    private final Map<String, DiffusionPipeline> loaded = new LinkedHashMap<>();

    /** A model before it is loaded. */
    interface Source {
        ModelInfo info();

        /** @throws InvalidCheckpoint if its files cannot be used (any more) */
        DiffusionPipeline load();
    }

    /**
     * Looks at all folders: configs and the presence and shapes of weights. One that cannot be used is logged with the
     * reason and left out.
     *
     * @param models folder of diffusers folders; need not exist
     * @param cache folder for the unpacked built-in model, created if need be
     */
    public ModelLibrary(Path models, Path cache) {
        add(BuiltInModel.ID, BuiltInModel.unpack(cache));
        if (Files.isDirectory(models)) {
            try (Stream<Path> children = Files.list(models)) {
                children.filter(child -> Files.exists(child.resolve("model_index.json")))
                        .sorted()
                        .forEach(child -> add(child.getFileName().toString(), child));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot list the models directory " + models, e);
            }
        }
    }

    /** The first is the default. */
    ModelLibrary(List<Source> models) {
        models.forEach(model -> sources.put(model.info().id(), model));
    }

    private void add(String id, Path path) {
        try {
            sources.put(id, new ModelFolder(id, path));
        } catch (InvalidCheckpoint e) {
            log.warn("Model {} is left out: {}", id, e.getMessage());
        }
    }

    /**
     * Looks at one folder as the constructor does.
     *
     * @throws InvalidCheckpoint if it cannot be used
     */
    public static void check(Path folder) {
        new ModelFolder(folder.getFileName().toString(), folder);
    }

    /** What each model offers, the default first. */
    public List<ModelInfo> models() {
        return sources.values().stream().map(Source::info).toList();
    }

    /**
     * Loads a model, or gives the one loaded before; it belongs to this library.
     *
     * @throws IllegalArgumentException if there is no such model; the message lists those there are
     * @throws InvalidCheckpoint if its files changed and cannot be used any more
     */
    public DiffusionPipeline open(String id) {
        Source source = sources.get(id);
        if (source == null) {
            throw new IllegalArgumentException(
                    "no model \"" + id + "\"; known: " + String.join(", ", sources.keySet()));
        }
        return loaded.computeIfAbsent(id, name -> source.load());
    }

    @Override
    public void close() {
        loaded.values().forEach(DiffusionPipeline::close);
        loaded.clear();
    }
}
