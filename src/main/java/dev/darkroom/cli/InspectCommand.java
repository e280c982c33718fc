package dev.darkroom.cli;

import dev.darkroom.library.Inspection;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.ModelInfo;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code darkroom inspect models/my-model}, {@code darkroom inspect picture.png} */
@Command(
        name = "inspect",
        description =
                "Says what a model folder is, its parameters and memory, or why it would be refused; or prints the"
                        + " recipe in a picture.",
        mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Parameters(
            paramLabel = "MODEL|PICTURE",
            description =
                    "A diffusers folder, or the name of one in the models directory; or a PNG, JPEG or WebP file.")
    @SuppressWarnings("NullAway.Init")
    private String model;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelsDirectory models;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = command.commandLine().getOut();
        Path file = Path.of(model);
        if (Files.isRegularFile(file)) {
            try (InputStream in = Files.newInputStream(file)) {
                print(PictureFile.read(in), out);
            }
            return 0;
        }
        Inspection inspection = Inspection.of(models.folder(model));
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

    private void print(PictureFile picture, PrintWriter out) {
        Recipe recipe = picture.recipe().orElse(null);
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("format", picture.format().id());
            all.put("width", picture.width());
            all.put("height", picture.height());
            if (recipe != null) {
                all.put("request", recipe.request());
                all.put("unsupported", recipe.unsupported());
                all.put("parameters", recipe.parameters());
            }
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(all));
            return;
        }
        out.printf("%s, %d × %d pixels%n", picture.format().name(), picture.width(), picture.height());
        if (recipe == null) {
            out.println("no recipe: neither Darkroom's nor a text parameters");
            return;
        }
        out.println();
        recipe.request().forEach((field, value) -> out.printf("%-20s %s%n", field, value));
        recipe.unsupported().forEach(what -> out.printf("%-20s %s%n", "(not drawn here)", what));
    }
}
