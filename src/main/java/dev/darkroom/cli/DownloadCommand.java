package dev.darkroom.cli;

import dev.darkroom.library.ModelLibrary;
import dev.darkroom.library.hub.Hub;
import dev.darkroom.library.hub.ModelName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code darkroom download org/name} */
@Command(
        name = "download",
        description = "Fetches a model from the hub at HF_ENDPOINT, with the token in HF_TOKEN where it needs one. An"
                + " interrupted download goes on where it stopped.",
        mixinStandardHelpOptions = true)
final class DownloadCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Parameters(paramLabel = "MODEL", description = "org/name or org/name@revision.")
    @SuppressWarnings("NullAway.Init")
    private String model;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelsDirectory models;

    @Override
    public Integer call() throws InterruptedException {
        ModelName name = ModelName.of(model);
        Path folder = fetch(name, models.path());
        ModelLibrary.check(folder);
        command.commandLine().getOut().println(folder + "  (model " + name.id() + ")");
        return 0;
    }

    /** The model's folder, fetched with a progress bar if it is not there. */
    static Path fetch(ModelName model, Path modelsDir) throws InterruptedException {
        if (Files.exists(modelsDir.resolve(model.id()))) {
            return modelsDir.resolve(model.id());
        }
        try (ProgressBar bar =
                Bars.of("Fetching").setUnit(" MB", 1_000_000).showSpeed().build()) {
            return Hub.of(System.getenv()).download(model, modelsDir, (file, done, total) -> {
                bar.maxHint(total).stepTo(done);
                bar.setExtraMessage(file);
            });
        }
    }
}
