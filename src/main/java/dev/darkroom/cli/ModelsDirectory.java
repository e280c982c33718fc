package dev.darkroom.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --models-dir}, the same for every command that takes a model. */
final class ModelsDirectory {
    @Option(
            names = "--models-dir",
            paramLabel = "DIR",
            description = "Diffusers folders, one a model. Default: ${DEFAULT-VALUE}",
            defaultValue = "models")
    @SuppressWarnings("NullAway.Init")
    private Path path;

    Path path() {
        return path;
    }

    /**
     * @param model a diffusers folder, or the name of one in this directory
     * @throws IllegalArgumentException if there is neither
     */
    Path folder(String model) {
        for (Path folder : new Path[] {Path.of(model), path.resolve(model)}) {
            if (Files.isDirectory(folder)) {
                return folder;
            }
        }
        throw new IllegalArgumentException("no folder " + model + ", neither here nor in " + path);
    }
}
