package dev.darkroom.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.PrintWriter;
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
        subcommands = {GenerateCommand.class, TrainCommand.class, HelpCommand.class})
public final class CommandLineInterface {
    /**
     * @return the exit status: 0 done, 1 failed, 2 wrong arguments
     */
    public static int run(String... args) {
        if (LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
            root.setLevel(Level.WARN);
        }
        return new CommandLine(new CommandLineInterface())
                .setExecutionExceptionHandler((e, command, result) -> {
                    PrintWriter err = command.getErr();
                    err.println("darkroom: " + (e.getMessage() == null ? e : e.getMessage()));
                    return 1;
                })
                .execute(args);
    }
}
