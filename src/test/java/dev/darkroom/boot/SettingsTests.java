package dev.darkroom.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.darkroom.Darkroom;
import dev.darkroom.JavaProcess;
import dev.darkroom.ServerProcess;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** A setting that is wrong, or that there is not, ends the start with one line of the log. */
class SettingsTests {

    @ConfigurationPropertiesScan(basePackageClasses = Darkroom.class)
    @Import(SettingsCheck.class)
    static class JustSettings {}

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            darkroom.max-row=4               | there is no setting darkroom.max-row; did you mean darkroom.max-rows?
            darkroom.s3.endpiont=http://a    | there is no setting darkroom.s3.endpiont; did you mean darkroom.s3.endpoint?
            darkroom.brush=thick             | there is no setting darkroom.brush; there are darkroom.anonymous, darkroom.api-keys
            DARKROOM_MAX_QUEUE=4             | there is no setting DARKROOM_MAX_QUEUE; did you mean DARKROOM_MAX_QUEUED?
            darkroom.max-rows=many           | darkroom.max-rows must be a whole number; given: "many"
            DARKROOM_MAX_ROWS=many           | must be a whole number; given: "many"
            darkroom.anonymous=perhaps       | darkroom.anonymous must be true or false; given: "perhaps"
            darkroom.drain=soon              | darkroom.drain must be a time such as 500ms, 20s, 15m or 7d; given: "soon"
            darkroom.drain=31s               | darkroom.drain must be between 0 and 30 seconds; given: PT31S
            darkroom.model-memory=much       | darkroom.model-memory must be a size such as 512MB or 8GB; given: "much"
            darkroom.role=painter            | darkroom.role must be one of all, api, worker; given: "painter"
            darkroom.role=api                | darkroom.role cannot be "api": The embedded database belongs to one process
            """)
    void aWrongOneIsNamed(String given, String reason) {
        Throwable failure = catchThrowable(() -> start(given));
        FailureAnalysis analysis = new FailedStart.OfSettings().analyze(failure);
        assertThat(analysis).as("%s", failure).isNotNull();
        assertThat(analysis.getDescription()).contains(reason);
    }

    /** Spring's ways of writing one, and what Kubernetes and Docker set where there is a service of our name. */
    @ParameterizedTest
    @CsvSource({
        "darkroom.maxRows=4",
        "darkroom.devices[0]=cpu",
        "DARKROOM_MAX_ROWS=4",
        "DARKROOM_MAXROWS=4",
        "DARKROOM_S3_ENDPOINT=http://a",
        "DARKROOM_DEVICES_0=cpu",
        "DARKROOM_SERVICE_HOST=10.0.0.1",
        "DARKROOM_SERVICE_PORT_HTTP=80",
        "DARKROOM_PORT=tcp://10.0.0.1:80",
        "DARKROOM_PORT_80_TCP_ADDR=10.0.0.1",
        "DARKROOM_PODS_SERVICE_HOST=10.0.0.1",
        "DARKROOM=http://localhost:8080"
    })
    void aGoodOneIsTaken(String given) {
        assertThat(catchThrowable(() -> start(given))).isNull();
    }

    private static void start(String given) {
        String name = given.substring(0, given.indexOf('='));
        String value = given.substring(given.indexOf('=') + 1);
        boolean variable = name.startsWith("DARKROOM");
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                                variable ? Map.of(name, value) : Map.of()));
        new SpringApplicationBuilder(JustSettings.class)
                .web(WebApplicationType.NONE)
                .environment(environment)
                .run(variable ? new String[0] : new String[] {"--" + given})
                .close();
    }

    /** As a process, to see all that it says. */
    @Test
    void aDeviceThatIsNotThereEndsTheStartWithOneLine() throws Exception {
        List<String> command = JavaProcess.command(Darkroom.class);
        command.addAll(List.of(
                "--server.port=0",
                "--management.server.port=0",
                "--darkroom.data-dir=" + ServerProcess.freshData("settings")));
        ProcessBuilder start = new ProcessBuilder(command).redirectErrorStream(true);
        start.environment().put("PYTORCH_FLAVOR", "cu128");
        Process process = start.start();
        String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isNotZero();
        assertThat(log.lines().filter(line -> line.contains(" ERROR ")))
                .singleElement()
                .asString()
                .contains("Darkroom does not start: darkroom.devices: this libtorch is one for CUDA (cu128), and CUDA")
                .endsWith("set darkroom.devices=cpu to draw on the processor all the same");
        assertThat(log).doesNotContain("\tat ", "APPLICATION FAILED");
    }
}
