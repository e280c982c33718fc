package dev.darkroom.library;

import dev.darkroom.nets.ClipText;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.Networks;
import dev.darkroom.nets.TokenizerFolder;
import dev.darkroom.pipeline.Backend;
import dev.darkroom.pipeline.Devices;
import dev.darkroom.pipeline.DiffusionPipeline;
import dev.darkroom.pipeline.LatentPreview;
import dev.darkroom.pipeline.NetworkBackend;
import dev.darkroom.pipeline.PromptEncoder;
import dev.darkroom.request.Determinism;
import dev.darkroom.request.Guidance;
import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.Prompt;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.ScheduleConfig;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
import dev.darkroom.weights.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A checked diffusers folder and the defaults of its requests. A file {@code darkroom.json} beside {@code
 * model_index.json} may set {@code description, steps, guidance_scale, sampler, schedule}, {@code words}, a list of all
 * that the model was taught, so that others are warned of, and {@code latent_rgb}, the linear
 * map from latents to colours that previews are drawn by: a row of red, green and blue a channel and one for the
 * constant, in −1 to 1 where a latent is in the U-Net's scale.
 */
public final class ModelFolder implements ModelLibrary.Source {
    private static final int MAX_SIZE = 2048;

    private final DiffusersFolder folder;
    private final ModelInfo info;
    private final long bytes;
    private final ScheduleConfig schedule;
    private final boolean zerosForEmptyPrompt;
    private final double @Nullable [][] latentRgb;

    /** @throws InvalidCheckpoint naming file, key, expected and found */
    public ModelFolder(String id, Path path) {
        this(id, path, Determinism.EXACT);
    }

    /**
     * @param determinism the default of requests
     * @throws InvalidCheckpoint naming file, key, expected and found
     */
    public ModelFolder(String id, Path path, Determinism determinism) {
        folder = DiffusersFolder.open(path);
        zerosForEmptyPrompt =
                folder.flag("force_zeros_for_empty_prompt", folder.family().zeroesEmptyPrompts());
        DiffusersFolder.Component scheduler = folder.component("scheduler");
        try {
            Map<String, @Nullable Object> options = JsonMapper.shared()
                    .convertValue(scheduler.config(), new TypeReference<Map<String, @Nullable Object>>() {});
            if (folder.family().correctsScheduler()) {
                options.replace("steps_offset", 1);
                options.replace("clip_sample", false);
            }
            schedule = ScheduleConfig.of(options);
        } catch (IllegalArgumentException e) {
            throw InvalidCheckpoint.ofFile(
                    scheduler.configFile(), "a noise schedule that Darkroom knows", String.valueOf(e.getMessage()));
        }
        try (Networks networks = new Networks(folder)) {
            bytes = networks.bytes();
            for (int encoder = 0; encoder < networks.textEncoders(); encoder++) {
                tokenizer(networks, encoder);
            }
            Path file = path.resolve(DiffusersFolder.DEFAULTS);
            JsonNode json =
                    Files.exists(file) ? Json.read(file) : JsonMapper.shared().createObjectNode();
            info = info(id, networks, defaults(file, json), determinism);
            latentRgb = latentRgb(file, json, networks.vae().latentChannels());
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw InvalidCheckpoint.ofFile(
                    path.resolve("model_index.json"), "networks that can be built", String.valueOf(e.getMessage()));
        }
    }

    private ModelInfo info(String id, Networks networks, Defaults defaults, Determinism determinism) {
        int multiple = networks.vae().factor() * networks.unet().sizeMultiple();
        int size =
                Math.multiplyExact(networks.unet().sampleSize(), networks.vae().factor());
        if (size > MAX_SIZE || size % multiple != 0) {
            throw InvalidCheckpoint.ofKey(
                    folder.component("unet").configFile(),
                    "sample_size",
                    "a picture of at most " + MAX_SIZE + " pixels, a multiple of " + multiple,
                    size + " pixels");
        }
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
                determinism,
                schedule.predictionType().id(),
                schedule.trainTimesteps(),
                Math.min(schedule.originalSteps(), schedule.trainTimesteps()),
                Math.min(networks.maxClipSkip(), Prompt.MAX_CLIP_SKIP),
                networks.unet().knowsGuidance(),
                networks.check(),
                defaults.words);
    }

    private record Defaults(
            String description,
            int steps,
            double guidanceScale,
            SamplerKind sampler,
            SigmaSpacing schedule,
            Set<String> words) {}

    private Defaults defaults(Path file, JsonNode json) {
        return new Defaults(
                json.path("description").asString(folder.className()),
                (int) number(file, json, "steps", folder.family().steps(), 1, Sampling.MAX_STEPS),
                number(file, json, "guidance_scale", folder.family().guidanceScale(), 1, Guidance.MAX_SCALE),
                named(
                        file,
                        json,
                        "sampler",
                        SamplerKind::of,
                        sampler(folder.component("scheduler").config())),
                named(file, json, "schedule", SigmaSpacing::of, SigmaSpacing.DEFAULT),
                words(file, json));
    }

    private static double number(Path file, JsonNode json, String key, double otherwise, int least, int most) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most)) {
            throw InvalidCheckpoint.ofKey(file, key, least + " to " + most, value.toString());
        }
        return value.doubleValue();
    }

    private static Set<String> words(Path file, JsonNode json) {
        JsonNode value = json.path("words");
        if (value.isMissingNode()) {
            return Set.of();
        }
        if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isString)) {
            throw InvalidCheckpoint.ofKey(file, "words", "a list of words", value.toString());
        }
        return value.valueStream()
                .flatMap(word ->
                        Stream.of(word.stringValue().toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{M}]+")))
                .filter(word -> !word.isEmpty())
                .collect(Collectors.toUnmodifiableSet());
    }

    private static double @Nullable [][] latentRgb(Path file, JsonNode json, int channels) {
        JsonNode value = json.path("latent_rgb");
        if (value.isMissingNode()) {
            return null;
        }
        double[][] rows = new double[channels + 1][3];
        boolean valid = value.size() == rows.length;
        for (int i = 0; valid && i < rows.length; i++) {
            JsonNode row = value.path(i);
            valid = row.size() == 3;
            for (int j = 0; valid && j < 3; j++) {
                valid = row.path(j).isNumber() && Double.isFinite(row.path(j).doubleValue());
                rows[i][j] = valid ? row.path(j).doubleValue() : 0;
            }
        }
        if (!valid) {
            throw InvalidCheckpoint.ofKey(
                    file,
                    "latent_rgb",
                    rows.length + " rows, one a latent channel and one more, of 3 numbers",
                    value.toString());
        }
        return rows;
    }

    private static <T> T named(Path file, JsonNode json, String key, Function<String, Optional<T>> of, T otherwise) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        return of.apply(value.asString(""))
                .orElseThrow(() -> InvalidCheckpoint.ofKey(file, key, "a known " + key, value.toString()));
    }

    /** The sampler of the checkpoint's own scheduler class. */
    private static SamplerKind sampler(JsonNode scheduler) {
        boolean noisy = scheduler.path("algorithm_type").asString("").equals("sde-dpmsolver++");
        return switch (scheduler.path("_class_name").asString("")) {
            case "DPMSolverMultistepScheduler" -> noisy ? SamplerKind.DPMPP_2M_SDE : SamplerKind.DPMPP_2M;
            case "DPMSolverSinglestepScheduler" -> noisy ? SamplerKind.DPMPP_SDE : SamplerKind.DPMPP_2S;
            case "DDIMScheduler" -> SamplerKind.DDIM;
            case "DDPMScheduler" -> SamplerKind.DDPM;
            case "DEISMultistepScheduler" -> SamplerKind.DEIS;
            case "EulerDiscreteScheduler" -> SamplerKind.EULER;
            case "EulerAncestralDiscreteScheduler" -> SamplerKind.EULER_ANCESTRAL;
            case "HeunDiscreteScheduler" -> SamplerKind.HEUN;
            case "KDPM2DiscreteScheduler" -> SamplerKind.DPM2;
            case "KDPM2AncestralDiscreteScheduler" -> SamplerKind.DPM2_ANCESTRAL;
            case "LCMScheduler" -> SamplerKind.LCM;
            case "LMSDiscreteScheduler" -> SamplerKind.LMS;
            case "PNDMScheduler" -> SamplerKind.PNDM;
            case "UniPCMultistepScheduler" -> SamplerKind.UNIPC;
            // ScheduleConfig has refused all others.
            default -> throw new IllegalArgumentException("no sampler for the scheduler's class");
        };
    }

    @Override
    public ModelInfo info() {
        return info;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    DiffusersFolder folder() {
        return folder;
    }

    /** On the processor. */
    public DiffusionPipeline load() {
        return load("cpu");
    }

    @Override
    public DiffusionPipeline load(String device) {
        Networks networks = new Networks(folder, Devices.of(device));
        List<ClipTokenizer> tokenizers = new ArrayList<>();
        try {
            for (int encoder = 0; encoder < networks.textEncoders(); encoder++) {
                int positions = networks.text(encoder).positions();
                TokenizerFolder tokenizer = tokenizer(networks, encoder);
                tokenizers.add(tokenizer.load(tokenizer.maxLength(positions)));
            }
            networks.check();
            Backend backend = new NetworkBackend(
                    networks, new PromptEncoder(networks, tokenizers, zerosForEmptyPrompt), Devices.isCuda(device));
            return new DiffusionPipeline(
                    info, backend, new NoiseSchedule(schedule), new LatentPreview(backend, latentRgb));
        } catch (RuntimeException e) {
            networks.close();
            tokenizers.forEach(ClipTokenizer::close);
            throw e;
        }
    }

    /**
     * Reads the tokenizer of a text encoder.
     *
     * @throws InvalidCheckpoint if it is wrong, or makes more or other tokens than the encoder takes
     */
    private TokenizerFolder tokenizer(Networks networks, int encoder) {
        String name = networks.textName(encoder);
        ClipText text = networks.text(encoder);
        TokenizerFolder tokenizer = TokenizerFolder.read(
                folder.component(name.replace("text_encoder", "tokenizer")).folder());
        Path config = folder.component(name).configFile();
        int length = tokenizer.maxLength(text.positions());
        if (length > text.positions()) {
            throw InvalidCheckpoint.ofKey(
                    config,
                    "max_position_embeddings",
                    "at least " + length + ", the tokenizer's model_max_length",
                    Integer.toString(text.positions()));
        }
        if (tokenizer.vocabSize() > text.vocabulary()) {
            throw InvalidCheckpoint.ofKey(
                    config,
                    "vocab_size",
                    "at least " + tokenizer.vocabSize() + ", the tokenizer's largest id + 1",
                    Integer.toString(text.vocabulary()));
        }
        return tokenizer;
    }
}
