package dev.darkroom.sampling;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Ends what another process began. Arguments: a file of walks by their number in {@link Walk#all}, each with a state's length and bytes; a file for the ends. */
final class RestoreProcess {
    private RestoreProcess() {}

    public static void main(String[] args) throws IOException {
        List<Walk> walks = Walk.all();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(Path.of(args[0])));
                DataInputStream in = new DataInputStream(file);
                PrintStream out =
                        new PrintStream(Files.newOutputStream(Path.of(args[1])), false, StandardCharsets.UTF_8)) {
            for (int number = in.readInt(); number >= 0; number = in.readInt()) {
                SamplerState state = SamplerState.of(in.readNBytes(in.readInt()));
                out.println(Walk.finish(walks.get(number).restore(state)));
            }
        }
    }
}
