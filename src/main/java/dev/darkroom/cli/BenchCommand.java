package dev.darkroom.cli;

import dev.darkroom.library.Benchmark;
import dev.darkroom.library.Benchmark.Timing;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
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

/** {@code darkroom bench models/my-model --rows 1,2,4} */
@Command(
        name = "bench",
        description = "Measures a model on this machine's processor: text encoder, U-Net, VAE decoder, memory.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Parameters(paramLabel = "MODEL", description = "A diffusers folder, or the name of one in the models directory.")
    @SuppressWarnings("NullAway.Init")
    private String model;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelsDirectory models;

    @Option(names = "--width", description = "Pixels. Default: the model's.")
    private int width;

    @Option(names = "--height", description = "Pixels. Default: the model's.")
    private int height;

    @Option(
            names = "--rows",
            split = ",",
            description = "U-Net batch sizes; a picture with guidance takes two rows. Default: ${DEFAULT-VALUE}",
            defaultValue = "1,2,4")
    @SuppressWarnings("NullAway.Init")
    private List<Integer> rows;

    @Option(names = "--rounds", description = "Timed calls of each kind. Default: ${DEFAULT-VALUE}", defaultValue = "3")
    private int rounds;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        if (rounds < 1 || rows.stream().anyMatch(n -> n < 1)) {
            throw new IllegalArgumentException("--rounds and --rows must be at least 1");
        }
        PrintWriter out = command.commandLine().getOut();
        if (!json) {
            out.printf("%-16s %10s %10s %12s %12s %10s%n", "call", "first ms", "ms", "ms a row", "GFLOP", "GFLOP/s");
        }
        List<Timing> timings = Benchmark.run(models.folder(model), height, width, rows, rounds, timing -> {
            if (!json) {
                out.printf(
                        Locale.ROOT,
                        "%-16s %10.1f %10.1f %12.1f %12.1f %10.1f%n",
                        timing.call(),
                        timing.firstMillis(),
                        timing.millis(),
                        timing.millisPerRow(),
                        timing.gflop(),
                        timing.gflops());
                out.flush();
            }
        });
        double peak = peakRss();
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("processors", Runtime.getRuntime().availableProcessors());
            result.put("timings", timings);
            result.put("peakRssBytes", (long) peak);
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result));
        } else {
            out.printf(
                    Locale.ROOT,
                    "%d processors, peak memory %s. The first call loads the network. GFLOP are counted by the layers'"
                            + " definitions; large convolutions are computed with fewer.%n",
                    Runtime.getRuntime().availableProcessors(),
                    peak < 0 ? "unknown" : "%.2f GB".formatted(peak / 1e9));
        }
        return 0;
    }

    /** Bytes; −1 where the system does not tell. */
    private static double peakRss() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return -1;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElse(-1);
    }
}
