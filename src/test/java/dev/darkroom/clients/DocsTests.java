package dev.darkroom.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.darkroom.ServerProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The snippets of {@code docs/clients.md} that need nothing but the JDK or curl. */
class DocsTests {

    private static ServerProcess server;
    private static Path folder;

    @BeforeAll
    static void start() {
        folder = ServerProcess.freshData("docs");
        server = ServerProcess.start(folder, "--stub.step-time=5ms").awaitReady();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void curl() throws Exception {
        assumeThat(Arrays.stream(System.getenv("PATH").split(":")))
                .as("curl is installed")
                .anyMatch(each -> Files.isExecutable(Path.of(each, "curl")));
        for (Snippet snippet : Snippet.all("bash")) {
            String said =
                    Command.run(folder, Map.of(), List.of("bash", "-euo", "pipefail", "-c", snippet.text(base())));
            snippet.check(folder);
            assertThat(said).contains("event:snapshot", "event:succeeded", "invalid_request", "\"field\":\"steps\"");
        }
    }

    @Test
    void javaWithTheJdkAlone() throws Exception {
        Snippet snippet = Snippet.all("java").get(0);
        Path program = folder.resolve("Apple.java");
        Files.writeString(program, snippet.text(base()));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String said = Command.run(folder, Map.of(), List.of(java, program.toString()));
        snippet.check(folder);
        assertThat(said).contains("event:snapshot", "event:succeeded", "400 {", "\"field\":\"steps\"");
    }

    private static String base() {
        return server.uri("").toString();
    }
}
