package dev.darkroom.library;

import dev.darkroom.nets.Networks;
import dev.darkroom.request.ModelInfo;
import java.nio.file.Path;
import java.util.List;

/**
 * What a model folder is.
 *
 * @param pipeline its class in diffusers
 * @param info what requests can ask of it
 * @param networks in the order of use
 */
public record Inspection(String pipeline, ModelInfo info, List<Network> networks) {
    /**
     * @param name for example {@code unet}
     * @param className its class in diffusers or transformers
     * @param dtype of its weights on disk
     * @param parameters number of weights
     * @param bytes memory its weights take when loaded here
     * @param flops floating-point operations of one call with one row, at the model's own size
     */
    public record Network(String name, String className, String dtype, long parameters, long bytes, long flops) {}

    /** @throws dev.darkroom.weights.InvalidCheckpoint saying why the folder cannot be used */
    public static Inspection of(Path path) {
        Path folder = path.toAbsolutePath().normalize();
        ModelFolder model = new ModelFolder(folder.getFileName().toString(), folder);
        try (Networks networks = new Networks(model.folder())) {
            return new Inspection(model.folder().className(), model.info(), networks(networks));
        }
    }

    static List<Network> networks(Networks networks) {
        return networks.summaries().stream()
                .map(part -> new Network(
                        part.name(),
                        part.className(),
                        part.dtype().name(),
                        part.parameters(),
                        part.bytes(),
                        part.flops()))
                .toList();
    }
}
