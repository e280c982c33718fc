package dev.darkroom.cli;

import dev.darkroom.pipeline.Inspection;
import dev.darkroom.spec.ModelInfo;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code darkroom inspect models/my-model} */
@Command(
        name = "inspect",
        description = "Says what a model folder is, its parameters and memory, or why it would be refused.",
        mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Parameters(paramLabel = "MODEL", description = "A diffusers folder, or the name of one in the models directory.")
    @SuppressWarnings("NullAway.Init")
    private String model;

    @Option(
            names = "--models-dir",
            paramLabel = "DIR",
            description = "Diffusers folders, one a model. Default: ${DEFAULT-VALUE}",
            defaultValue = "models")
    @SuppressWarnings("NullAway.Init")
    private Path modelsDir;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        Inspection inspection = Inspection.of(ModelPath.of(model, modelsDir));
        if (json) {
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(inspection));
            return 0;
        }
        ModelInfo info = inspection.info();
        out.printf("%s  (%s)%n", info.id(), inspection.pipeline());
        out.printf(
                "draws %d × %d pixels (from %d to %d, multiples of %d)%n",
                info.width(), info.height(), info.minSize(), info.maxSize(), info.sizeMultiple());
        out.printf(
                Locale.ROOT,
                "predicts %s; by default sampler %s, %d steps, guidance scale %s%n%n",
                info.predictionType(),
                info.sampler().id(),
                info.steps(),
                info.guidanceScale());
        out.printf(
                "%-15s %-28s %-5s %14s %10s %12s%n", "network", "class", "disk", "parameters", "memory", "GFLOP a row");
        long parameters = 0;
        long bytes = 0;
        for (Inspection.Network network : inspection.networks()) {
            out.printf(
                    Locale.ROOT,
                    "%-15s %-28s %-5s %,14d %7.2f GB %12.1f%n",
                    network.name(),
                    network.className(),
                    network.dtype().toLowerCase(Locale.ROOT),
                    network.parameters(),
                    network.bytes() / 1e9,
                    network.flops() / 1e9);
            parameters += network.parameters();
            bytes += network.bytes();
        }
        out.printf(Locale.ROOT, "%-50s %,14d %7.2f GB%n", "together", parameters, bytes / 1e9);
        out.println("(a network takes memory from its first use on; text to picture does not use the VAE encoder)");
        return 0;
    }
}
