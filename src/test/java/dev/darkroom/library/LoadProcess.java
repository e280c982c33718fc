package dev.darkroom.library;

import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.request.Draft;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Request;
import dev.darkroom.weights.InvalidCheckpoint;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Draws with every folder below the one given, with the memory it is given, and says how that went. */
final class LoadProcess {
    private LoadProcess() {}

    public static void main(String[] args) {
        File[] folders = new File(args[0]).listFiles();
        Arrays.sort(folders);
        for (File folder : folders) {
            System.out.println("> " + folder.getName() + " " + outcome(folder.toPath()));
        }
    }

    private static String outcome(Path folder) {
        try {
            draw(new ModelFolder("x", folder));
            return "draws";
        } catch (InvalidCheckpoint e) {
            return e.getMessage().length() < 4000 ? "is refused" : "is refused at length";
        } catch (Throwable e) {
            return e.toString();
        }
    }

    /** The smallest picture in one step: every network is loaded and used. */
    static void draw(ModelFolder folder) {
        ModelInfo info = folder.info();
        Draft smallest = Draft.of(
                Map.of("prompt", "a cat", "width", info.minSize(), "height", info.minSize(), "steps", 1, "seed", 0L));
        try (DiffusionPipeline pipeline = folder.load()) {
            Generation generation = pipeline.begin(Request.of(smallest, info), 0);
            while (!generation.done()) {
                pipeline.step(List.of(generation));
            }
            pipeline.finish(generation);
        }
    }
}
