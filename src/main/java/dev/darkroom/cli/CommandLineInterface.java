package dev.darkroom.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.darkroom.observe.Build;
import dev.darkroom.pipeline.DeviceThread;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The commands that run without a server. */
@Command(
        name = "darkroom",
        description = "Draws pictures from prompts. Without a command it serves the HTTP API on port 8080.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GenerateCommand.class,
            DownloadCommand.class,
            InspectCommand.class,
            BenchCommand.class,
            TrainCommand.class,
            KeysCommand.class,
            CompletionCommand.class,
            HelpCommand.class
        })
public final class CommandLineInterface {
    /** Runs this when no file is being written, and lets none be begun after it. */
    public static void betweenFiles(Runnable end) {
        synchronized (GenerateCommand.class) {
            end.run();
        }
    }

    /**
     * @return the exit status: 0 done, 1 failed, 2 wrong arguments
     */
    public static int run(String... args) {
        if (LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
            root.setLevel(Level.WARN);
        }
        CommandLine line = new CommandLine(new CommandLineInterface())
                .setExecutionExceptionHandler((e, command, result) -> {
                    PrintWriter err = command.getErr();
                    err.println("darkroom: " + (e.getMessage() == null ? e : e.getMessage()));
                    return 1;
                });
        line.getCommandSpec().version("darkroom " + Build.THIS);
        if (OwnProcess.knowsAsciiOnly() && Arrays.stream(args).anyMatch(arg -> arg.indexOf('\ufffd') >= 0)) {
            line.getErr()
                    .println(
                            "darkroom: the arguments have letters that are not ASCII, which this locale has none of; set"
                                    + " LC_ALL (or LANG) to one that is installed and ends in UTF-8, see `locale -a`");
            return 2;
        }
        FutureTask<Integer> execution = new FutureTask<>(() -> line.execute(args));
        DeviceThread.start("command", execution);
        try {
            return execution.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }
}
