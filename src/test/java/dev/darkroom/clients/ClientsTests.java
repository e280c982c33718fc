package dev.darkroom.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.ServerProcess;
import dev.darkroom.access.ApiKey;
import dev.darkroom.access.Scope;
import dev.darkroom.job.Quota;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Clients in other languages and by other makers, as processes, against the running service. Part of the profile {@code
 * clients}, which generates the clients first; needs python3 with venv, node and npm, and their package registries.
 */
@Tag("clients")
class ClientsTests {

    private static final Path SOURCES = Path.of("src", "test", "clients").toAbsolutePath();
    private static final Path HELPERS = Path.of("docs", "clients").toAbsolutePath();
    private static final Path CLIENTS = Path.of("target", "clients").toAbsolutePath();
    private static final String PYTHON =
            CLIENTS.resolve("python-env").resolve("bin").resolve("python").toString();

    private static ServerProcess server;
    private static NewerServer newer;

    @BeforeAll
    static void start() throws Exception {
        install(PYTHON, SOURCES.resolve("requirements.txt"));
        copy(SOURCES.resolve("package.json"), CLIENTS);
        run(CLIENTS, "npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock");
        server = ServerProcess.start(
                        ServerProcess.freshData("clients"), "--stub.step-time=10ms", "--darkroom.max-queued=10")
                .awaitReady();
        newer = new NewerServer(server.uri("/"));
    }

    @AfterAll
    static void stop() {
        if (newer != null) {
            newer.close();
        }
        if (server != null) {
            server.close();
        }
    }

    @Test
    void openAisClientForPython() throws Exception {
        String said =
                run(CLIENTS, PYTHON, SOURCES.resolve("openai/openai_test.py").toString(), base(), laterBase());
        assertThat(said).contains("all as expected");
    }

    @Test
    void openAisClientForNode() throws Exception {
        copy(SOURCES.resolve("openai/openai_test.mjs"), CLIENTS);
        assertThat(run(CLIENTS, "node", "openai_test.mjs", base(), laterBase())).contains("all as expected");
    }

    /** Only the address and a key are set: names of models, sizes and forms of answers are the clients' own. */
    @Test
    void clientsBuiltOnOpenAisPackagesDrawAtTheirDefaults() throws Exception {
        String python = CLIENTS.resolve("defaults-env/bin/python").toString();
        install(python, SOURCES.resolve("openai/requirements-defaults.txt"));
        copy(SOURCES.resolve("openai/defaults_test.mjs"), CLIENTS);
        ApiKey.Created key = ApiKey.create("test", EnumSet.allOf(Scope.class), Instant.now(), null, null, Quota.NONE);
        try (ServerProcess asking = ServerProcess.start(
                        ServerProcess.freshData("clients"),
                        "--stub.step-time=2ms",
                        "--darkroom.api-keys=" + key.kept().toSetting())
                .awaitReady()) {
            Map<String, String> settings = Map.of(
                    "OPENAI_BASE_URL", asking.uri("/v1").toString(),
                    "OPENAI_API_KEY", key.key());
            assertThat(Command.run(
                            CLIENTS,
                            settings,
                            List.of(
                                    python,
                                    SOURCES.resolve("openai/defaults_test.py").toString())))
                    .contains("all draw");
            assertThat(Command.run(CLIENTS, settings, List.of("node", "defaults_test.mjs")))
                    .contains("all draw");
        }
    }

    @Test
    void generatedClientForJava() throws Exception {
        Path classes = compileJava("round-trip", SOURCES.resolve("RoundTrip.java"));
        assertThat(runJava(classes, "RoundTrip", base(), laterBase())).contains("all as expected");
    }

    @Test
    void generatedClientForPython() throws Exception {
        assertThat(runPython(SOURCES.resolve("round_trip.py"), base(), laterBase()))
                .contains("all as expected");
    }

    @Test
    void generatedClientForTypeScript() throws Exception {
        copy(SOURCES.resolve("round_trip.ts"), CLIENTS.resolve("typescript"));
        compileTypeScript();
        assertThat(run(CLIENTS, "node", "typescript/js/round_trip.js", base(), laterBase()))
                .contains("all as expected");
    }

    @Test
    void snippetsOfTheDocsForJava() throws Exception {
        for (Snippet snippet : Snippet.all("java")) {
            Path program = fresh("docs-java").resolve("Apple.java");
            Files.writeString(program, snippet.text(base()));
            Path classes = compileJava("docs-java-classes", program);
            runJava(classes, "Apple");
            snippet.check(classes);
        }
    }

    @Test
    void snippetsOfTheDocsForPython() throws Exception {
        for (Snippet snippet : Snippet.all("python")) {
            Path folder = fresh("docs-python");
            Path file = folder.resolve("snippet.py");
            Files.writeString(file, snippet.text(base()));
            runPython(file);
            snippet.check(folder);
        }
    }

    @Test
    void snippetsOfTheDocsForTypeScript() throws Exception {
        for (Snippet snippet : Snippet.all("typescript")) {
            Path folder = fresh("docs-typescript");
            Files.writeString(CLIENTS.resolve("typescript").resolve("snippet.ts"), snippet.text(base()));
            compileTypeScript();
            run(folder, "node", CLIENTS.resolve("typescript/js/snippet.js").toString());
            snippet.check(folder);
        }
    }

    /** The packages of a file, in the environment of a Python that is made if it is not there. */
    private static void install(String python, Path requirements) throws Exception {
        if (Files.notExists(Path.of(python))) {
            run(
                    CLIENTS,
                    "python3",
                    "-m",
                    "venv",
                    Path.of(python).getParent().getParent().toString());
        }
        run(CLIENTS, python, "-m", "pip", "install", "--quiet", "-r", requirements.toString());
    }

    /** What their reader has: a folder with the program, and what the page tells to type. */
    @Test
    void snippetsOfTheDocsForTypeScriptFromAnEmptyFolder() throws Exception {
        String steps = Snippet.all("sh").get(0).code();
        for (Snippet snippet : Snippet.all("typescript")) {
            Path folder = Files.createTempDirectory("apple"); // no node_modules above it
            Files.writeString(folder.resolve("apple.ts"), snippet.text(base()));
            if (snippet.code().contains("./darkroom-client/")) {
                copy(HELPERS.resolve("jobEvents.ts"), folder);
                run(
                        folder,
                        "cp",
                        "-r",
                        CLIENTS.resolve("typescript/darkroom-client").toString(),
                        "darkroom-client");
            }
            run(folder, "bash", "-euo", "pipefail", "-c", steps);
            snippet.check(folder);
        }
    }

    private static String base() {
        return server.uri("").toString();
    }

    private static String laterBase() {
        return newer.uri().toString();
    }

    /** @return the folder of the classes: the generated client, the helper and the program */
    private static Path compileJava(String name, Path program) throws Exception {
        Path classes = fresh(name);
        List<String> command = new ArrayList<>(List.of(
                java("javac"),
                "-nowarn",
                "-d",
                classes.toString(),
                "-cp",
                System.getProperty("java.class.path"),
                program.toString(),
                HELPERS.resolve("JobEvents.java").toString()));
        try (Stream<Path> sources = Files.walk(CLIENTS.resolve("java/src/main/java"))) {
            sources.map(Path::toString).filter(each -> each.endsWith(".java")).forEach(command::add);
        }
        run(CLIENTS, command.toArray(String[]::new));
        return classes;
    }

    private static String runJava(Path classes, String program, String... args) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(java("java"), "-cp", classes + ":" + System.getProperty("java.class.path"), program));
        command.addAll(List.of(args));
        return run(classes, command.toArray(String[]::new));
    }

    private static void compileTypeScript() throws Exception {
        Path folder = CLIENTS.resolve("typescript");
        copy(SOURCES.resolve("tsconfig.json"), folder);
        copy(HELPERS.resolve("jobEvents.ts"), folder);
        run(folder, "node", CLIENTS.resolve("node_modules/typescript/bin/tsc").toString());
    }

    private static String runPython(Path program, String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(PYTHON, program.toString()));
        command.addAll(List.of(args));
        return Command.run(
                program.getParent().startsWith(CLIENTS) ? program.getParent() : CLIENTS,
                Map.of("PYTHONPATH", CLIENTS.resolve("python") + ":" + HELPERS, "PYTHONDONTWRITEBYTECODE", "1"),
                command);
    }

    private static String run(Path folder, String... command) throws Exception {
        return Command.run(folder, Map.of(), Arrays.asList(command));
    }

    private static String java(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }

    private static Path fresh(String name) throws IOException {
        return Files.createTempDirectory(CLIENTS, name);
    }

    private static void copy(Path file, Path folder) throws IOException {
        Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
    }
}
