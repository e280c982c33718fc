package dev.darkroom.cli;

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
        description = "Trains the built-in model from the Noto emoji pictures (needs npm once, to fetch them). An"
                + " interrupted run goes on from its last checkpoint.",
        mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Option(
            names = "--work",
            paramLabel = "DIR",
            description = "Pictures, checkpoints and the model. Default: ${DEFAULT-VALUE}",
            defaultValue = "work")
    @SuppressWarnings("NullAway.Init")
    private Path work;

    @Option(
            names = "--concepts",
            paramLabel = "FILE",
            description =
                    "What to learn, in the form of src/main/resources/dev/darkroom/trainer/concepts.txt, which is the"
                            + " default; concepts-large.txt beside it has more. Use a new work folder for another file.")
    private @Nullable Path concepts;

    @Option(names = "--vae-minutes", description = "Time for the VAE. Default: ${DEFAULT-VALUE}", defaultValue = "30")
    private long vaeMinutes;

    @Option(
            names = "--minutes",
            description = "Time for text encoder and U-Net. Default: ${DEFAULT-VALUE}",
            defaultValue = "90")
    private long minutes;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = command.commandLine().getOut();
        Path folder = Trainer.train(
                work,
                concepts,
                Duration.ofMinutes(vaeMinutes),
                Duration.ofMinutes(minutes),
                (stage, fraction, step, samples, loss) -> {
                    out.printf(
                            Locale.ROOT,
                            "%-4s %5.1f %%  step %d  %.1f samples/s  loss %.4f%n",
                            stage,
                            100 * fraction,
                            step,
                            samples,
                            loss);
                    out.flush();
                });
        out.println("The model is in " + folder);
        return 0;
    }
}
