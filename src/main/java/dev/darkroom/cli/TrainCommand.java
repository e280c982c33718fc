package dev.darkroom.cli;

import dev.darkroom.library.ModelLibrary;
import dev.darkroom.trainer.Trainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code darkroom train} */
@Command(
        name = "train",
        description =
                "Trains the built-in model from emoji pictures (needs npm once, to fetch them). An interrupted run"
                        + " goes on from its last checkpoint: give the same command again.",
        mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {
    private static final long TELL_EVERY_NANOS = 10_000_000_000L;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Option(
            names = "--work",
            paramLabel = "DIR",
            description = "Pictures, checkpoints, log, sheets and the model. Default: ${DEFAULT-VALUE}",
            defaultValue = "work")
    @SuppressWarnings("NullAway.Init")
    private Path work;

    @Option(
            names = "--preset",
            description =
                    "full: the model in the jar, about two hours on two cores; overfit: eight pictures by heart in"
                            + " about a minute. Default: ${DEFAULT-VALUE}",
            defaultValue = "full")
    @SuppressWarnings("NullAway.Init")
    private String preset;

    @Option(
            names = "--concepts",
            paramLabel = "FILE",
            description =
                    "What to learn, in the form of src/main/resources/dev/darkroom/trainer/concepts.txt, which is the"
                            + " default. Use a new work folder for another file.")
    private @Nullable Path concepts;

    @Option(
            names = "--minutes",
            description = "Length of this sitting; the next one goes on where it ends. Default: until all is done")
    private @Nullable Long minutes;

    @Option(names = "--vae-steps", description = "Steps of the VAE. Default: the preset's")
    private @Nullable Integer vaeSteps;

    @Option(names = "--clip-steps", description = "Steps of text encoder and image tower. Default: the preset's")
    private @Nullable Integer clipSteps;

    @Option(names = "--unet-steps", description = "Steps of the U-Net. Default: the preset's")
    private @Nullable Integer unetSteps;

    @Option(names = "--contact-sheet", paramLabel = "FILE", description = "Only draw what would be learnt, as a PNG.")
    private @Nullable Path contactSheet;

    @Option(
            names = "--evaluate",
            description = "Only measure the model in DIR, or else the one in the jar, and draw the fixed prompts into"
                    + " sheets.")
    private boolean evaluate;

    private long lastTold = System.nanoTime();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = command.commandLine().getOut();
        Duration sitting = minutes == null ? Duration.ofDays(365) : Duration.ofMinutes(minutes);
        Trainer trainer = Trainer.open(
                work, preset, concepts, vaeSteps, clipSteps, unetSteps, sitting, report -> tell(out, report));
        if (contactSheet != null) {
            out.print(trainer.contactSheet(contactSheet));
        } else if (evaluate) {
            trainer.evaluate(ModelLibrary.builtIn(work), line -> {
                out.println(line);
                out.flush();
            });
        } else {
            Path model = trainer.train();
            out.println(
                    model == null
                            ? "The sitting is over; the same command goes on with the run"
                            : "The model is in " + model);
        }
        out.flush();
        return 0;
    }

    private void tell(PrintWriter out, Trainer.Report report) {
        if (System.nanoTime() - lastTold > TELL_EVERY_NANOS || report.step() == report.steps()) {
            lastTold = System.nanoTime();
            out.printf(
                    Locale.ROOT,
                    "%-4s %5.1f %%  step %d of %d  loss %.4f  %.1f samples/s  %.0f GFLOP/s%n",
                    report.stage(),
                    100.0 * report.step() / report.steps(),
                    report.step(),
                    report.steps(),
                    report.loss(),
                    report.samplesPerSecond(),
                    report.gflops());
            out.flush();
        }
    }
}
