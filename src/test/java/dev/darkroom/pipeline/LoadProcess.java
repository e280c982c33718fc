package dev.darkroom.pipeline;

import dev.darkroom.weights.InvalidCheckpoint;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;

/** Loads every folder below the one given, with the memory it is given, and says how that went. */
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
            new ModelFolder("x", folder).load().close();
            return "loads";
        } catch (InvalidCheckpoint e) {
            return e.getMessage().length() < 4000 ? "is refused" : "is refused at length";
        } catch (Throwable e) {
            return e.toString();
        }
    }
}
