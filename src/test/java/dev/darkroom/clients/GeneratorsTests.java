package dev.darkroom.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.darkroom.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that many generators make of {@code docs/openapi.json}, at their defaults: they compile, and those of TypeScript and
 * Python make a job by the operation that is JSON alone. {@link ClientsTests} has three more, which do all that there is.
 */
@Tag("clients")
class GeneratorsTests {

    private static final Path SOURCES =
            Path.of("src", "test", "clients", "generators").toAbsolutePath();
    private static final Path DOCUMENT = Path.of("docs", "openapi.json").toAbsolutePath();
    private static final Path FOLDER =
            Path.of("target", "clients", "generators").toAbsolutePath();

    private static ServerProcess server;

    @BeforeAll
    static void start() throws Exception {
        Files.createDirectories(FOLDER);
        for (Path file : files(SOURCES, "")) {
            Files.copy(file, FOLDER.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock");
        server = ServerProcess.start(ServerProcess.freshData("generators"), "--stub.step-time=2ms")
                .awaitReady();
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            openapi_fetch          | openapi-typescript DOCUMENT -o openapi-typescript/schema.d.ts
            hey_api                | openapi-ts -i DOCUMENT -o hey-api -c @hey-api/client-fetch
            swagger_typescript_api | swagger-typescript-api generate -p DOCUMENT -o swagger-typescript-api -n api.ts
            orval                  | orval -i DOCUMENT -o ./orval/api.ts --client fetch
            """)
    void generatorsForTypeScript(String program, String generate) throws Exception {
        run(Stream.concat(Stream.of("npx", "--no-install"), Arrays.stream(words(generate)))
                .toArray(String[]::new));
        run(words("npx --no-install tsc -p " + project(program)));
        run(words("npx --no-install esbuild " + program
                + ".ts --bundle --platform=node --format=esm --log-level=error --outfile=" + program + ".mjs"));
        assertThat(run("node", program + ".mjs", server.uri("").toString())).contains("as expected");
    }

    /** The settings for one program and what it imports. */
    private static String project(String program) throws IOException {
        String settings = Files.readString(SOURCES.resolve("tsconfig.json")).replace("*.ts", program + ".ts");
        Files.writeString(FOLDER.resolve(program + ".json"), settings);
        return program + ".json";
    }

    @Test
    void openapiPythonClient() throws Exception {
        String python = FOLDER.resolve("env/bin/python").toString();
        if (Files.notExists(Path.of(python))) {
            run("python3", "-m", "venv", "env");
        }
        run(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt");
        run(
                FOLDER.resolve("env/bin/openapi-python-client").toString(),
                "generate",
                "--path",
                DOCUMENT.toString(),
                "--output-path",
                "python",
                "--overwrite");
        assertThat(Command.run(
                        FOLDER,
                        Map.of("PYTHONPATH", FOLDER.resolve("python").toString()),
                        List.of(python, "client_test.py", server.uri("").toString())))
                .contains("as expected");
    }

    @Test
    void oapiCodegenForGo() throws Exception {
        assumeInstalled("go");
        Path module = Files.createDirectories(FOLDER.resolve("oapi-codegen"));
        Files.writeString(module.resolve("go.mod"), "module darkroom\n\ngo 1.24\n");
        Command.run(
                module,
                Map.of(),
                List.of(words("go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
                        + " -generate types,client -package darkroom -o client.gen.go " + DOCUMENT)));
        Command.run(module, Map.of(), List.of(words("go mod tidy")));
        Command.run(module, Map.of(), List.of(words("go vet ./...")));
    }

    @Test
    void openapiGeneratorForGo() throws Exception {
        assumeInstalled("go");
        Command.run(FOLDER.resolve("go"), Map.of(), List.of(words("go mod tidy")));
        Command.run(FOLDER.resolve("go"), Map.of(), List.of(words("go build ./...")));
    }

    @Test
    void openapiGeneratorForRust() throws Exception {
        assumeInstalled("cargo");
        Command.run(FOLDER.resolve("rust"), Map.of(), List.of(words("cargo check --quiet")));
    }

    @Test
    void openapiGeneratorForPhp() throws Exception {
        assumeInstalled("php");
        for (Path file : files(FOLDER.resolve("php/lib"), ".php")) {
            run("php", "-l", file.toString());
        }
    }

    @Test
    void openapiGeneratorForRuby() throws Exception {
        assumeInstalled("ruby");
        for (Path file : files(FOLDER.resolve("ruby/lib"), ".rb")) {
            run("ruby", "-c", file.toString());
        }
    }

    /** There is no compiler for these here. */
    @ParameterizedTest
    @ValueSource(strings = {"kotlin", "csharp"})
    void openapiGeneratorGenerates(String language) throws Exception {
        String ending = language.equals("kotlin") ? ".kt" : ".cs";
        assertThat(files(FOLDER.resolve(language).resolve("src"), ending))
                .anySatisfy(file -> assertThat(file).content().contains("Job"));
    }

    private static void assumeInstalled(String program) {
        assumeThat(Arrays.stream(System.getenv("PATH").split(":")))
                .as(program + " is installed")
                .anyMatch(each -> Files.isExecutable(Path.of(each, program)));
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            List<Path> found = all.filter(Files::isRegularFile)
                    .filter(file -> file.toString().endsWith(ending))
                    .toList();
            assertThat(found).isNotEmpty();
            return found;
        }
    }

    private static String[] words(String command) {
        return command.replace("DOCUMENT", DOCUMENT.toString()).strip().split(" +");
    }

    private static String run(String... command) throws Exception {
        return Command.run(FOLDER, Map.of(), Arrays.asList(command));
    }
}
