package dev.darkroom;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Java processes of tests, on this process's class path. Most of a server's start is the loading of its libraries' classes; an
 * archive of them (class data sharing) saves a third of it. The first process that is asked for has the archive made, beside the
 * tests; processes that start before it is there, or on another JDK, do without.
 */
public final class JavaProcess {

    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    /** Libraries first: an archive is of the front of a class path, and of jars only. */
    private static final String LIBRARIES = path(false);

    private static final String CLASS_PATH =
            Stream.of(LIBRARIES, path(true)).collect(Collectors.joining(File.pathSeparator));

    private static final Path FOLDER = Path.of("target", "class-archive").toAbsolutePath();

    private static final Path ARCHIVE = FOLDER.resolve(
            UUID.nameUUIDFromBytes((Runtime.version() + LIBRARIES).getBytes(StandardCharsets.UTF_8)) + ".jsa");

    static {
        Thread making = new Thread(JavaProcess::makeArchive, "class archive");
        making.setDaemon(true);
        making.start();
    }

    private JavaProcess() {}

    /**
     * @param options of the virtual machine
     * @return a command, to which arguments of the program can be added
     */
    public static List<String> command(Class<?> main, String... options) {
        List<String> command = new ArrayList<>(List.of(JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        if (Files.exists(ARCHIVE)) {
            // An archive that does not fit is left aside, without a word in the output.
            command.addAll(List.of("-XX:SharedArchiveFile=" + ARCHIVE, "-Xshare:auto", "-Xlog:disable"));
        }
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", CLASS_PATH, main.getName()));
        return command;
    }

    private static String path(boolean folders) {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> Files.isDirectory(Path.of(entry)) == folders)
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** By one of the processes that run tests. */
    private static void makeArchive() {
        try {
            Files.createDirectories(FOLDER);
            try (FileChannel file = FileChannel.open(
                            FOLDER.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = file.tryLock()) {
                if (lock == null || Files.exists(ARCHIVE)) {
                    return;
                }
                Path classes = FOLDER.resolve("classes");
                Path made = FOLDER.resolve("made.jsa");
                List<String> start = command(StartAndStop.class, "-XX:DumpLoadedClassList=" + classes);
                start.add(ServerProcess.freshData("class-archive").toString());
                if (run(start)
                        && run(List.of(
                                JAVA,
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-Xshare:dump",
                                "-XX:SharedClassListFile=" + classes,
                                "-XX:SharedArchiveFile=" + made,
                                "-cp",
                                LIBRARIES))) {
                    Files.move(made, ARCHIVE, StandardCopyOption.ATOMIC_MOVE);
                }
            }
        } catch (IOException | InterruptedException e) {
            System.err.println("no class archive: " + e);
        }
    }

    private static boolean run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(FOLDER.resolve("log").toFile())
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return process.waitFor(5, TimeUnit.MINUTES) && process.exitValue() == 0;
    }

    /** A start whose classes the archive shall have. */
    static final class StartAndStop {

        public static void main(String[] args) {
            StubServer.run(
                            "--server.port=0",
                            "--management.server.port=0",
                            "--darkroom.drain=0s",
                            "--darkroom.data-dir=" + args[0])
                    .close();
        }
    }
}
