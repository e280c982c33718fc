package dev.darkroom.nets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.program.Program;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.DiffusersFolder.Component;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The networks of the published checkpoints, described from their configurations, have the parameters that diffusers and
 * transformers count. Numbers: {@code src/test/reference/families_reference.py}.
 */
class FullSizeTests {
    private static final Path FOLDERS = Path.of("src/test/resources/full-size");

    static Stream<Map.Entry<String, JsonNode>> models() {
        return JsonMapper.shared()
                .readTree(FOLDERS.resolve("parameters.json").toFile())
                .propertyStream();
    }

    @ParameterizedTest
    @MethodSource("models")
    void networksHaveTheParametersThatDiffusersCounts(Map.Entry<String, JsonNode> model) {
        DiffusersFolder folder = DiffusersFolder.open(FOLDERS.resolve(model.getKey()));
        new Networks(folder).close(); // they fit each other
        for (Map.Entry<String, JsonNode> count : model.getValue().properties()) {
            assertThat(parameters(folder, count.getKey()))
                    .as(count.getKey())
                    .isEqualTo(count.getValue().longValue());
        }
    }

    private static long parameters(DiffusersFolder folder, String name) {
        Component component = folder.component(name);
        Program program = new Program();
        switch (name) {
            case "unet" -> {
                UNet2DCondition unet = new UNet2DCondition(
                        component,
                        folder.has("text_encoder_2")
                                ? new ClipText(folder.component("text_encoder_2")).pooledWidth()
                                : 0);
                int size = unet.sampleSize();
                unet.describe(
                        program,
                        program.input("sample", 1, unet.inChannels(), size, size),
                        program.input("timestep", 1),
                        null,
                        program.input("context", 1, 77, unet.contextWidth()),
                        unet.addedWidth() == 0 ? null : program.input("added", 1, unet.addedWidth()));
            }
            case "vae" -> {
                if (component.className().equals("AutoencoderTiny")) {
                    AutoencoderTiny vae = new AutoencoderTiny(component);
                    vae.describeDecoder(program, program.input("z", 1, vae.latentChannels(), 64, 64));
                } else {
                    AutoencoderKl vae = new AutoencoderKl(component);
                    vae.describeDecoder(program, program.input("z", 1, vae.latentChannels(), 64, 64));
                    vae.describeEncoder(program, program.input("x", 1, 3, 512, 512));
                }
            }
            case "text_encoder" -> new ClipText(component).describe(program, program.input("ids", 1, 77));
            default -> new ClipText(component).describeStates(program, program.input("ids", 1, 77), true);
        }
        return program.parameters().values().stream()
                .mapToLong(Program.Parameter::size)
                .sum();
    }
}
