package dev.darkroom.library;

import dev.darkroom.pipeline.DeviceMemory;
import dev.darkroom.pipeline.Devices;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.weights.InvalidCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models at hand, the one in the jar and one diffusers folder each below the models directory, and the devices to draw them
 * on. Nothing is loaded here.
 */
public final class ModelLibrary {
    private static final Logger log = LoggerFactory.getLogger(ModelLibrary.class);

    private final Map<String, Source> sources = new LinkedHashMap<>();
    private final List<String> devices;
    private final Optional<Long> memory;

    /** A model before it is loaded. */
    interface Source {
        ModelInfo info();

        /** Memory that it takes on a device, bytes: weights and programs. */
        long bytes();

        /**
         * @param device a name of the library's
         * @throws InvalidCheckpoint if its files cannot be used (any more)
         */
        DiffusionPipeline load(String device);
    }

    /**
     * Looks at all folders: configs, tokenizers and the presence and shapes of weights. One that cannot be used is logged with
     * the reason and left out, and so is what else lies there, hidden files excepted.
     *
     * @param models folder of diffusers folders; need not exist
     * @param cache folder for the unpacked built-in model, created if need be
     * @param devices {@code cpu} or {@code cuda:0}, {@code cuda:1}, …, one of them also several times; empty for the best there are
     * @param memory bytes of models loaded on a device at a time; empty for a share of what the device has
     * @throws IllegalArgumentException if there is no such device
     */
    public ModelLibrary(Path models, Path cache, List<String> devices, Optional<Long> memory) {
        this.memory = memory;
        this.devices = devices.isEmpty() ? Devices.best() : List.copyOf(devices);
        this.devices.forEach(Devices::of);
        log.info("Drawing on {} with {}", String.join(", ", this.devices), Devices.libtorch());
        add(BuiltInModel.ID, BuiltInModel.unpack(cache));
        if (Files.isDirectory(models)) {
            try (Stream<Path> children = Files.list(models)) {
                children.sorted().forEach(this::addOrSayWhyNot);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot list the models directory " + models, e);
            }
        }
    }

    /**
     * The same with the best devices there are: all CUDA devices, or the processor where there are none.
     *
     * @param models folder of diffusers folders; need not exist
     * @param cache folder for the unpacked built-in model, created if need be
     */
    public ModelLibrary(Path models, Path cache) {
        this(models, cache, List.of(), Optional.empty());
    }

    /** The first model is the default. */
    ModelLibrary(List<Source> models, List<String> devices, long memory) {
        this.memory = Optional.of(memory);
        this.devices = List.copyOf(devices);
        models.forEach(model -> sources.put(model.info().id(), model));
    }

    private void addOrSayWhyNot(Path child) {
        String name = child.getFileName().toString();
        if (Files.exists(child.resolve("model_index.json"))) {
            add(name, child);
        } else if (!name.startsWith(".") || name.startsWith(".download-")) {
            log.info("{} is not served: {}", child, Unserved.reason(child));
        }
    }

    private void add(String id, Path path) {
        // On a processor sharing calls gains nothing with SD 1.5, about a third with the smallest model: too little for
        // giving up the last bits.
        boolean sharingPays = devices.stream().anyMatch(Devices::isCuda);
        try {
            sources.put(id, new ModelFolder(id, path, sharingPays ? Determinism.FAST : Determinism.EXACT));
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

    /**
     * The diffusers folder of the built-in model.
     *
     * @param cache where it is unpacked to, created if need be
     */
    public static Path builtIn(Path cache) {
        return BuiltInModel.unpack(cache);
    }

    /** What each model offers, the default first. */
    public List<ModelInfo> models() {
        return sources.values().stream().map(Source::info).toList();
    }

    public Optional<ModelInfo> info(String id) {
        return Optional.ofNullable(sources.get(id)).map(Source::info);
    }

    /** One name for each set of networks to be loaded; names may repeat. */
    public List<String> devices() {
        return devices;
    }

    /** The models on one device, whose memory is shared by as many as have its name. */
    public LoadedModels on(String device) {
        long share = devices.stream().filter(device::equals).count();
        return new LoadedModels(sources, device, memory.orElseGet(() -> DeviceMemory.forModels(device)) / share);
    }
}
