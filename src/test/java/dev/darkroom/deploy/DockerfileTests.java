package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What images must be, read off the Dockerfile; that it builds and runs is shown by {@code .ci/docker-stages.sh}. */
class DockerfileTests {
    private static final Pattern FROM = Pattern.compile("FROM (\\S+) AS (\\S+)");

    private final String text = Yaml.text(Path.of("Dockerfile"));
    private final Map<String, Stage> stages = stages();

    /** @param instructions joined lines, those of the stage it is built on first where that is one of this file */
    private record Stage(String base, List<String> instructions) {
        String last(String keyword) {
            return instructions.stream()
                    .filter(line -> line.startsWith(keyword + " "))
                    .reduce((first, second) -> second)
                    .orElseThrow(() -> new AssertionError("no " + keyword));
        }
    }

    @Test
    void bothImagesRunAsAPlainUser() {
        for (String target : List.of("cpu", "cuda")) {
            Stage stage = stages.get(target);
            assertThat(stage.last("USER")).isEqualTo("USER 10001:10001");
            assertThat(stage.last("ENTRYPOINT"))
                    .startsWith("ENTRYPOINT [\"java\"")
                    .contains("-XX:AOTCache=");
            assertThat(stage.last("STOPSIGNAL")).isEqualTo("STOPSIGNAL SIGTERM");
            assertThat(stage.last("HEALTHCHECK")).contains("CMD [\"/app/healthy\"]");
            assertThat(stage.last("VOLUME")).isEqualTo("VOLUME [\"/data\", \"/models\"]");
            assertThat(stage.last("LABEL")).contains("org.opencontainers.image.revision", "licenses=\"Apache-2.0\"");
        }
    }

    @Test
    void baseImagesAreOfficialAndTagged() {
        assertThat(stages.values().stream().map(Stage::base).filter(base -> !stages.containsKey(base)))
                .allSatisfy(base -> assertThat(base)
                        .matches("(maven|eclipse-temurin|pytorch/pytorch):\\S+")
                        .doesNotEndWith(":latest"));
    }

    @Test
    void versionsAreThePoms() {
        String pom = Yaml.text(Path.of("pom.xml"));
        String pytorch = find("<pytorch.version>(.+)</pytorch.version>", pom);
        assertThat(text).contains("PYTORCH_VERSION=" + pytorch, "pytorch/pytorch:" + pytorch + "-cuda12.8");
        assertThat(text).contains("== \"" + pytorch + "+cu128\"");
        String version = find("<artifactId>darkroom</artifactId>\\s*<version>(.+)</version>", pom);
        assertThat(text).contains("ARG VERSION=" + version + "\n");
        assertThat(Yaml.text(Path.of("src/main/resources/META-INF/darkroom.version")))
                .isEqualToIgnoringWhitespace(version);
        assertThat(Yaml.read(Path.of("helm/darkroom/Chart.yaml"))
                        .path("appVersion")
                        .asString())
                .isEqualTo(version);
        JsonNode services = Yaml.read(Path.of("docker-compose.yml")).path("services");
        assertThat(services.at("/darkroom/image").asString()).isEqualTo("darkroom:" + version + "-cpu");
        assertThat(services.at("/worker-gpu/image").asString()).isEqualTo("darkroom:" + version + "-cuda");
    }

    @Test
    void scriptsOfTheImageCanBeExecuted() {
        for (String script : List.of("healthy", "train")) {
            assertThat(Files.isExecutable(Path.of("src/main/docker", script))).isTrue();
        }
    }

    /** {@code .dockerignore} lets in only what is copied. */
    @Test
    void theContextHoldsWhatIsCopied() {
        List<String> let = Yaml.text(Path.of(".dockerignore"))
                .lines()
                .filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1))
                .toList();
        for (Stage stage : stages.values()) {
            for (String line : stage.instructions()) {
                if (line.startsWith("COPY ") && !line.contains("--from=")) {
                    String[] words = line.split("\\s+");
                    for (int i = 1; i < words.length - 1; i++) {
                        assertThat(let).contains(words[i].split("/")[0]);
                        assertThat(Files.exists(Path.of(words[i]))).as(words[i]).isTrue();
                    }
                }
            }
        }
    }

    private static String find(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as(pattern).isTrue();
        return matcher.group(1);
    }

    private Map<String, Stage> stages() {
        Map<String, Stage> stages = new LinkedHashMap<>();
        List<String> instructions = new ArrayList<>();
        String joined = text.replaceAll("(?m)^ *#.*\\n", "").replaceAll(" *\\\\\\n *", " ");
        for (String line : joined.split("\\n")) {
            Matcher from = FROM.matcher(line);
            if (from.matches()) {
                Stage base = stages.get(from.group(1));
                instructions = new ArrayList<>(base == null ? List.of() : base.instructions());
                stages.put(from.group(2), new Stage(from.group(1), instructions));
            } else if (!line.isBlank()) {
                instructions.add(line);
            }
        }
        return stages;
    }
}
