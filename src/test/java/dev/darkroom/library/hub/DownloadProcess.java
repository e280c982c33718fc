package dev.darkroom.library.hub;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A download in a process of its own, to be killed. Arguments: address of the hub, models directory. */
final class DownloadProcess {
    private DownloadProcess() {}

    public static void main(String[] args) throws InterruptedException {
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.put("HF_ENDPOINT", args[0]);
        Hub.of(environment).download(ModelName.of("org/name"), Path.of(args[1]), (file, done, total) -> {});
    }
}
