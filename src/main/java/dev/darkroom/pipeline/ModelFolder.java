package dev.darkroom.pipeline;

import dev.darkroom.model.ClipTokenizer;
import dev.darkroom.model.Networks;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.ScheduleConfig;
import dev.darkroom.spec.ModelInfo;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A checked diffusers folder and the defaults of its requests. A file {@code darkroom.json} beside {@code
 * model_index.json} may set {@code description, steps, guidance_scale, sampler, schedule}.
 */
final class ModelFolder {
    private static final String DEFAULTS = "darkroom.json";
    private static final int STEPS = 20;
    private static final double GUIDANCE_SCALE = 7.5;
    private static final int MAX_SIZE = 2048;

    private final DiffusersFolder folder;
    private final ModelInfo info;
    private final ScheduleConfig schedule;

    /** @throws InvalidCheckpoint naming file, key, expected and found */
    ModelFolder(String id, Path path) {
        folder = DiffusersFolder.open(path);
        DiffusersFolder.Component scheduler = folder.component("scheduler");
        try {
            schedule = ScheduleConfig.of(JsonMapper.shared()
                    .convertValue(scheduler.config(), new TypeReference<Map<String, @Nullable Object>>() {}));
        } catch (IllegalArgumentException e) {
            throw InvalidCheckpoint.ofFile(
                    scheduler.configFile(), "a noise schedule that Darkroom knows", String.valueOf(e.getMessage()));
        }
        try (Networks networks = new Networks(folder)) {
            info = info(id, networks, defaults(path.resolve(DEFAULTS)));
        }
    }

    private ModelInfo info(String id, Networks networks, Defaults defaults) {
        int multiple = networks.vae().factor() * networks.unet().sizeMultiple();
        int size = networks.unet().sampleSize() * networks.vae().factor();
        return new ModelInfo(
                id,
                defaults.description,
                size,
                size,
                Math.max(multiple, size / 4 / multiple * multiple),
                Math.min(MAX_SIZE, 4 * size),
                multiple,
                defaults.steps,
                defaults.guidanceScale,
                defaults.sampler,
                defaults.schedule,
                schedule.predictionType().id(),
                schedule.trainTimesteps(),
                50,
                networks.check());
    }

    private record Defaults(
            String description, int steps, double guidanceScale, SamplerKind sampler, SigmaSpacing schedule) {}

    private Defaults defaults(Path file) {
        JsonNode json =
                Files.exists(file) ? Json.read(file) : JsonMapper.shared().createObjectNode();
        JsonNode className = folder.component("scheduler").config().path("_class_name");
        return new Defaults(
                json.path("description").asString(folder.className()),
                json.path("steps").asInt(STEPS),
                json.path("guidance_scale").asDouble(GUIDANCE_SCALE),
                named(file, json, "sampler", SamplerKind::of, sampler(className.asString(""))),
                named(file, json, "schedule", SigmaSpacing::of, SigmaSpacing.DEFAULT));
    }

    private static <T> T named(Path file, JsonNode json, String key, Function<String, Optional<T>> of, T otherwise) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        return of.apply(value.asString(""))
                .orElseThrow(() -> InvalidCheckpoint.ofKey(file, key, "a known " + key, value.toString()));
    }

    /** The checkpoint's own sampler where Darkroom has it; DPM++ 2M for the others, as is customary for PNDM folders. */
    private static SamplerKind sampler(String schedulerClass) {
        return switch (schedulerClass) {
            case "DDIMScheduler" -> SamplerKind.DDIM;
            case "EulerDiscreteScheduler" -> SamplerKind.EULER;
            case "EulerAncestralDiscreteScheduler" -> SamplerKind.EULER_ANCESTRAL;
            default -> SamplerKind.DPMPP_2M;
        };
    }

    ModelInfo info() {
        return info;
    }

    /** @param cache folder for compiled networks */
    DiffusionPipeline load(Path cache) {
        Networks networks = new Networks(folder);
        ClipTokenizer tokenizer = null;
        try {
            tokenizer = ClipTokenizer.open(folder.component("tokenizer").folder());
            check(tokenizer, networks);
            networks.load(cache);
            return new DiffusionPipeline(info, networks, tokenizer, new NoiseSchedule(schedule));
        } catch (RuntimeException e) {
            networks.close();
            if (tokenizer != null) {
                tokenizer.close();
            }
            throw e;
        }
    }

    private void check(ClipTokenizer tokenizer, Networks networks) {
        Path config = folder.component("text_encoder").configFile();
        if (tokenizer.maxLength() > networks.text().positions()) {
            throw InvalidCheckpoint.ofKey(
                    config,
                    "max_position_embeddings",
                    "at least " + tokenizer.maxLength() + ", the tokenizer's model_max_length",
                    Integer.toString(networks.text().positions()));
        }
        if (tokenizer.vocabSize() > networks.text().vocabulary()) {
            throw InvalidCheckpoint.ofKey(
                    config,
                    "vocab_size",
                    "at least " + tokenizer.vocabSize() + ", the tokenizer's largest id + 1",
                    Integer.toString(networks.text().vocabulary()));
        }
    }
}
