package dev.darkroom.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.ServerProcess;
import dev.darkroom.pipeline.Devices;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** CUDA's runtime from NVIDIA's wheel, in the folders of the cuda image, where there is no driver: it is found and asked. Needs python3 with venv. */
@Tag("containers")
class CudaRuntimeTests {
    private static final String LIBRARIES = "/opt/libtorch/";
    private static final String DOCKERFILE = Yaml.text(Path.of("Dockerfile"));

    @Test
    void theRuntimeOfTheImageIsLoadedAndItsReasonIsTold() throws Exception {
        Path folder = ServerProcess.freshData("cuda");
        Path environment = folder.resolve("venv");
        Shell.succeed("python3", "-m", "venv", environment.toString());
        Shell.succeed(
                environment.resolve("bin/pip").toString(),
                "install",
                "--quiet",
                "--no-deps",
                "nvidia-cuda-runtime-cu12==12.8.57");
        Path libraries = folder.resolve("libtorch");
        try (Stream<Path> lib = Files.list(environment.resolve("lib"))) {
            Path packages = lib.findFirst().orElseThrow().resolve("site-packages");
            Files.createDirectories(libraries);
            Shell.succeed("cp", "-a", packages.resolve("nvidia").toString(), libraries.toString());
        }

        String output = check(libraries);
        assertThat(output).contains("CUDA driver version is insufficient for CUDA runtime version (35)");

        Matcher link =
                Pattern.compile("ln -s (libcudart\\S+) " + LIBRARIES + "(\\S+)").matcher(DOCKERFILE);
        assertThat(link.find()).isTrue();
        Path linked = libraries.resolve(link.group(2));
        Files.createSymbolicLink(linked, Path.of(link.group(1)));
        assertThat(linked).exists();
        assertThat(check(libraries)).contains("CUDA driver version is insufficient for CUDA runtime version (35)");

        assertThat(check(folder.resolve("nowhere"))).contains("libcudart is not found");
    }

    /** What the service does first, in a process of its own. */
    public static void main(String[] arguments) {
        Devices.check(List.of());
    }

    /** @return what is said with the image's option, and this folder in place of the image's */
    private static String check(Path libraries) throws Exception {
        Matcher option =
                Pattern.compile("-Djna.library.path=" + LIBRARIES + "(\\S+)").matcher(DOCKERFILE);
        assertThat(option.find()).isTrue();
        ProcessBuilder check = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djna.library.path=" + libraries.resolve(option.group(1)),
                        "-cp",
                        System.getProperty("java.class.path"),
                        CudaRuntimeTests.class.getName())
                .redirectErrorStream(true);
        check.environment().put("PYTORCH_FLAVOR", "cu128");
        Process process = check.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isNotZero();
        return output;
    }
}
