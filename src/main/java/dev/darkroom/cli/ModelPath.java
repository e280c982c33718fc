package dev.darkroom.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** A model as commands take it: a diffusers folder, or the name of one in the models directory. */
final class ModelPath {
    private ModelPath() {}

    /** @throws IllegalArgumentException if there is neither */
    static Path of(String model, Path modelsDir) {
        for (Path path : new Path[] {Path.of(model), modelsDir.resolve(model)}) {
            if (Files.isDirectory(path)) {
                return path;
            }
        }
        throw new IllegalArgumentException("no folder " + model + ", neither here nor in " + modelsDir);
    }
}
