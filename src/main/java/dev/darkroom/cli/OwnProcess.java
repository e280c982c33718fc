package dev.darkroom.cli;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;

/** What a process does to itself by the C library, since Java has no words for it. Tried on Linux; elsewhere Java's own way is left. */
public final class OwnProcess {
    private static final String UTF_8_LOCALE = "C.UTF-8";

    private interface C extends Library {
        int setenv(String name, String value, int overwrite);

        int execv(String file, Pointer arguments);

        int isatty(int descriptor);

        void _exit(int status);
    }

    private OwnProcess() {}

    private static @Nullable C library() {
        try {
            return Platform.isLinux() ? Native.load("c", C.class) : null;
        } catch (LinkageError e) {
            return null;
        }
    }

    /** Whether Java takes arguments and file names for ASCII, as it does in the locales C and POSIX and where one is not installed. */
    static boolean knowsAsciiOnly() {
        return "ANSI_X3.4-1968".equals(System.getProperty("sun.jnu.encoding"));
    }

    /**
     * Puts the same program in this process's place, in a locale whose arguments, file names and output are UTF-8, if it knows
     * ASCII only. Java has decided by then and cannot be talked out of it. Returns where there is no need or no such locale.
     */
    public static void restartInUtf8() {
        if (!knowsAsciiOnly() || UTF_8_LOCALE.equals(System.getenv("LC_ALL"))) {
            return;
        }
        C library = library();
        if (library == null) {
            return;
        }
        try {
            byte[] line = Files.readAllBytes(Path.of("/proc/self/cmdline"));
            String java = Path.of("/proc/self/exe").toRealPath().toString();
            List<Memory> arguments = new ArrayList<>();
            int start = 0;
            for (int i = 0; i < line.length; i++) {
                if (line[i] == 0) {
                    Memory argument = new Memory(i + 1L - start);
                    argument.write(0, line, start, i + 1 - start);
                    arguments.add(argument);
                    start = i + 1;
                }
            }
            try (Memory vector = new Memory((arguments.size() + 1L) * Native.POINTER_SIZE)) {
                vector.clear();
                for (int i = 0; i < arguments.size(); i++) {
                    vector.setPointer((long) i * Native.POINTER_SIZE, arguments.get(i));
                }
                library.setenv("LC_ALL", UTF_8_LOCALE, 1);
                library.execv(java, vector);
            }
        } catch (IOException e) {
            // No /proc: stays what it is.
        }
    }

    /** @param descriptor 0 standard input, 1 output, 2 errors */
    static boolean isTerminal(int descriptor) {
        C library = library();
        return library == null ? System.console() != null : library.isatty(descriptor) == 1;
    }

    /** Calls this with the exit status, 128 + the signal's number, when asked to end: Ctrl+C, SIGTERM, the terminal's end. */
    public static void onSignal(IntConsumer end) {
        for (String name : List.of("INT", "TERM", "HUP")) {
            try {
                Signal.handle(new Signal(name), signal -> end.accept(128 + signal.getNumber()));
            } catch (IllegalArgumentException e) {
                // Not on this system, or the virtual machine was told to leave signals alone.
            }
        }
    }

    /**
     * Ends the process at once: no shutdown hooks, and none of what native libraries do at their end. They take down what their
     * threads use; a network that is computing then crashes.
     */
    public static void exit(int status) {
        System.out.flush();
        System.err.flush();
        C library = library();
        if (library != null) {
            library._exit(status);
        }
        Runtime.getRuntime().halt(status);
    }
}
