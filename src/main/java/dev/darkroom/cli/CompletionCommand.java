package dev.darkroom.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code source <(darkroom completion)} */
@Command(
        name = "completion",
        description =
                "Prints a script for bash and zsh that completes commands and options of a command named darkroom:"
                        + " source <(darkroom completion)",
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Override
    public Integer call() {
        CommandLine darkroom = command.root().commandLine();
        command.commandLine().getOut().print(AutoComplete.bash(darkroom.getCommandName(), darkroom));
        command.commandLine().getOut().flush();
        return 0;
    }
}
