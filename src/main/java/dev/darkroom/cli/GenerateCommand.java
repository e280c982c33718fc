package dev.darkroom.cli;

import dev.darkroom.library.LoadedModels;
import dev.darkroom.library.ModelLibrary;
import dev.darkroom.library.hub.ModelName;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.Generation;
import dev.darkroom.request.Draft;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Request;
import dev.darkroom.request.Warning;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code darkroom generate "a red apple" -o apple.png} */
@Command(
        name = "generate",
        description = "Draws a picture.",
        mixinStandardHelpOptions = true,
        modelTransformer = DraftOptions.class)
final class GenerateCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Parameters(paramLabel = "PROMPT", description = "What to draw.")
    @SuppressWarnings("NullAway.Init")
    private String prompt;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "File to write, .png, .jpg or .webp; with -n the file names get a number; - is the standard"
                    + " output. Default: ${DEFAULT-VALUE}",
            defaultValue = "picture.png")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "A folder in the models directory, or org/name on the hub, which is fetched first if need be."
                    + " Default: the built-in one")
    private @Nullable String model;

    @Option(
            names = "--output-format",
            paramLabel = "<output_format>",
            description = "One of ${COMPLETION-CANDIDATES}. Default: what the file's name says, png with -o -",
            completionCandidates = Formats.class)
    private @Nullable String outputFormat;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelsDirectory models;

    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description = "Where the built-in model is unpacked. Default: ${DEFAULT-VALUE}",
            defaultValue = "data")
    @SuppressWarnings("NullAway.Init")
    private Path dataDir;

    private static final class Formats extends ArrayList<String> {
        Formats() {
            super(OutputFormat.ids());
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintStream stdout = System.out;
        if (!toStdout()) {
            return draw(stdout, command.commandLine().getOut());
        }
        System.setOut(System.err); // whoever else may print, the log for example
        try {
            return draw(stdout, command.commandLine().getErr());
        } finally {
            System.setOut(stdout);
        }
    }

    private boolean toStdout() {
        return output.toString().equals("-");
    }

    /**
     * @param stdout for the picture, where it is wanted there
     * @param out for what is to be said
     */
    private int draw(PrintStream stdout, PrintWriter out) throws IOException, InterruptedException {
        Map<String, Object> said = DraftOptions.said(command.commandLine().getParseResult());
        said.put("prompt", prompt);
        said.put("output_format", outputFormat == null ? formatOfFile() : outputFormat);
        String wanted = model;
        if (wanted != null && wanted.contains("/")) {
            ModelName onHub = ModelName.of(wanted);
            DownloadCommand.fetch(onHub, models.path());
            wanted = onHub.id();
        }
        ModelLibrary library = new ModelLibrary(models.path(), dataDir.resolve("cache"));
        try (LoadedModels loaded = library.on(library.devices().get(0))) {
            String name = wanted == null ? library.models().get(0).id() : wanted;
            DiffusionPipeline pipeline = loaded.open(name);
            Request request = Request.of(Draft.of(said), pipeline.info());
            if (toStdout() && request.seeds().count() > 1) {
                throw new IllegalArgumentException(
                        "-o - takes one picture; given: -n " + request.seeds().count());
            }
            PrintWriter err = command.commandLine().getErr();
            Warning.of(request, pipeline.info()).forEach(warning -> err.println("Warning: " + warning.message()));
            List<Generation> generations =
                    new ArrayList<>(IntStream.range(0, request.seeds().count())
                            .mapToObj(i -> pipeline.begin(request, i))
                            .toList());
            try (ProgressBar bar =
                    Bars.of("Drawing").setInitialMax(request.sampling().steps()).build()) {
                while (!generations.get(0).done()) {
                    pipeline.step(generations).values().forEach(failure -> {
                        throw failure;
                    });
                    bar.stepTo(generations.get(0).stepsDone());
                }
            }
            for (Generation generation : generations) {
                Path file = request.seeds().count() == 1 ? output : numbered(output, generation.index() + 1);
                byte[] picture = PictureFile.encode(
                        pipeline.finish(generation), request.output(), Recipe.of(request, generation.index()));
                if (toStdout()) {
                    stdout.write(picture);
                    if (stdout.checkError()) {
                        throw new IOException("nobody takes the picture from the standard output");
                    }
                } else {
                    write(file, picture);
                }
                out.println(file + "  (seed " + generation.seed() + ")");
            }
        }
        return 0;
    }

    private String formatOfFile() {
        return OutputFormat.ofFileName(toStdout() ? "-.png" : output.toString())
                .map(OutputFormat::id)
                .orElseThrow(() -> new IllegalArgumentException(
                        "the output file must end in .png, .jpg, .jpeg or .webp; given: " + output));
    }

    private static Path numbered(Path file, int number) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return file.resolveSibling(
                dot < 0 ? name + "-" + number : name.substring(0, dot) + "-" + number + name.substring(dot));
    }

    private static synchronized void write(Path file, byte[] bytes) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        Path half = file.resolveSibling(".drawing-" + UUID.randomUUID() + ".part");
        try {
            Files.write(half, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(half);
        }
    }
}
