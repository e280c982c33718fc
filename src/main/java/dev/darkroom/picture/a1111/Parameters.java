package dev.darkroom.picture.a1111;

import dev.darkroom.picture.Recipe;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.SigmaSpacing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The text {@code parameters} of AUTOMATIC1111's web UI ({@code modules/processing.py}, {@code create_infotext}; {@code
 * modules/infotext_utils.py}, {@code parse_generation_parameters}):
 *
 * <pre>
 * a red apple
 * Negative prompt: blurry
 * Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 512x512, Model: my-model
 * </pre>
 *
 * <p>Ours adds {@code Guidance rescale}, {@code Determinism}, {@code Timesteps}, {@code Sigmas} (numbers with spaces between), {@code Output
 * format} and {@code Output compression} where they are not what they usually are. {@code Clip skip} counts from 1 there.
 *
 * <p>Reading a text of others: {@code Schedule type: Automatic}, or none, is the spacing that the web UI then takes for the
 * sampler. What does not change the picture is left out (hashes, {@code Version}, {@code RNG}, …). Everything else that a
 * request cannot say is listed as unsupported, an unknown sampler too: nothing is dropped in silence.
 */
public final class Parameters {

    private static final Map<SamplerKind, String> SAMPLERS = Map.ofEntries(
            Map.entry(SamplerKind.DDPM, "DDPM"), // the name in Forge; the web UI itself has none
            Map.entry(SamplerKind.DDIM, "DDIM"),
            Map.entry(SamplerKind.PNDM, "PLMS"),
            Map.entry(SamplerKind.LMS, "LMS"),
            Map.entry(SamplerKind.EULER, "Euler"),
            Map.entry(SamplerKind.EULER_ANCESTRAL, "Euler a"),
            Map.entry(SamplerKind.HEUN, "Heun"),
            Map.entry(SamplerKind.DPM2, "DPM2"),
            Map.entry(SamplerKind.DPM2_ANCESTRAL, "DPM2 a"),
            Map.entry(SamplerKind.DPMPP_2S, "DPM++ 2S"), // this and DEIS are InvokeAI's names; the web UI has none
            Map.entry(SamplerKind.DEIS, "DEIS"),
            Map.entry(SamplerKind.DPMPP_2M, "DPM++ 2M"),
            Map.entry(SamplerKind.DPMPP_2M_SDE, "DPM++ 2M SDE"),
            Map.entry(SamplerKind.DPMPP_SDE, "DPM++ SDE"),
            Map.entry(SamplerKind.UNIPC, "UniPC"),
            Map.entry(SamplerKind.LCM, "LCM"));

    private static final Map<SigmaSpacing, String> SCHEDULES = Map.of(
            SigmaSpacing.DEFAULT, "Uniform",
            SigmaSpacing.KARRAS, "Karras",
            SigmaSpacing.EXPONENTIAL, "Exponential",
            SigmaSpacing.BETA, "Beta");

    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "Model hash", "VAE hash", "Lora hashes", "TI hashes", "Version", "User", "RNG", "Batch size", "Batch pos");

    private static final String NEGATIVE = "Negative prompt:";

    private Parameters() {}

    public static String write(Map<String, Object> request) {
        List<String> settings = new ArrayList<>();
        put(settings, "Steps", request.get("steps"));
        put(
                settings,
                "Sampler",
                SamplerKind.of(String.valueOf(request.get("sampler")))
                        .map(SAMPLERS::get)
                        .orElse(null));
        put(
                settings,
                "Schedule type",
                SigmaSpacing.of(String.valueOf(request.get("schedule")))
                        .map(SCHEDULES::get)
                        .orElse(null));
        put(settings, "CFG scale", request.get("guidance_scale"));
        put(settings, "Seed", request.get("seed"));
        if (request.containsKey("width") && request.containsKey("height")) {
            put(settings, "Size", request.get("width") + "x" + request.get("height"));
        }
        put(settings, "Model", request.get("model"));
        if (request.get("clip_skip") instanceof Integer skip && skip > 0) {
            put(settings, "Clip skip", skip + 1);
        }
        if (request.get("guidance_rescale") instanceof Double rescale && rescale > 0) {
            put(settings, "Guidance rescale", rescale);
        }
        put(settings, "Determinism", request.get("determinism"));
        put(settings, "Timesteps", request.get("timesteps"));
        put(settings, "Sigmas", request.get("sigmas"));
        if (request.get("output_format") instanceof String format && !format.equals(OutputFormat.PNG.id())) {
            put(settings, "Output format", format);
            put(settings, "Output compression", request.get("output_compression"));
        }
        Object negative = request.getOrDefault("negative_prompt", "");
        return request.get("prompt")
                + (negative.equals("") ? "" : "\n" + NEGATIVE + " " + negative)
                + "\n"
                + String.join(", ", settings);
    }

    private static void put(List<String> settings, String name, @Nullable Object value) {
        if (value == null) {
            return;
        }
        String text = value instanceof List<?> numbers
                ? numbers.stream().map(String::valueOf).collect(Collectors.joining(" "))
                : value instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e6
                        ? Long.toString(number.longValue())
                        : value.toString();
        boolean quoted =
                text.indexOf(',') >= 0 || text.indexOf(':') >= 0 || text.indexOf('\n') >= 0 || text.startsWith("\"");
        settings.add(name + ": " + (quoted ? JsonMapper.shared().writeValueAsString(text) : text));
    }

    /** Empty if the text has no line of settings, and so is no recipe. */
    public static Optional<Recipe> read(String text) {
        String whole = text.stripTrailing();
        int line = whole.lastIndexOf('\n') + 1;
        Map<String, String> settings = settings(whole.substring(line));
        if (!settings.containsKey("Steps") || !settings.containsKey("Sampler")) {
            return Optional.empty();
        }
        String prompts = whole.substring(0, Math.max(0, line - 1));
        int negative = prompts.startsWith(NEGATIVE) ? 0 : prompts.indexOf("\n" + NEGATIVE) + 1;
        boolean divided = negative > 0 || prompts.startsWith(NEGATIVE);
        Reading reading = new Reading();
        reading.request.put("prompt", divided ? prompts.substring(0, Math.max(0, negative - 1)) : prompts);
        if (divided) {
            String rest = prompts.substring(negative + NEGATIVE.length());
            reading.request.put("negative_prompt", rest.startsWith(" ") ? rest.substring(1) : rest);
        }
        if (prompts.contains("<lora:") || prompts.contains("<hypernet:")) {
            reading.unsupported.add("<lora:…> or <hypernet:…> in the prompt");
        }
        settings.forEach(reading::take);
        reading.schedule(settings.get("Schedule type"));
        return Optional.of(new Recipe(reading.request, reading.unsupported));
    }

    private static final class Reading {

        final Map<String, Object> request = new LinkedHashMap<>();
        final List<String> unsupported = new ArrayList<>();

        void take(String name, String value) {
            if (WITHOUT_EFFECT.contains(name) || name.equals("Schedule type")) {
                return;
            }
            try {
                switch (name) {
                    case "Steps" -> request.put("steps", Integer.valueOf(value));
                    case "Sampler" -> sampler(value);
                    case "CFG scale" -> request.put("guidance_scale", Double.valueOf(value));
                    case "Seed" -> request.put("seed", Long.valueOf(value));
                    case "Size" -> size(value);
                    case "Model" -> request.put("model", value);
                    case "Clip skip" -> request.put("clip_skip", Integer.parseInt(value) - 1);
                    case "Guidance rescale" -> request.put("guidance_rescale", Double.valueOf(value));
                    case "Determinism" -> request.put("determinism", value);
                    case "Timesteps" -> request.put("timesteps", numbers(value, Integer::valueOf));
                    case "Sigmas" -> request.put("sigmas", numbers(value, Double::valueOf));
                    case "Output format" -> request.put("output_format", value);
                    case "Output compression" -> request.put("output_compression", Integer.valueOf(value));
                    default -> unsupported.add(name + ": " + value);
                }
            } catch (NumberFormatException e) {
                unsupported.add(name + ": " + value);
            }
        }

        /** {@code DPM++ 2M}, or {@code DPM++ 2M Karras} as the web UI wrote before it had schedule types. */
        private void sampler(String label) {
            for (Map.Entry<SamplerKind, String> known : SAMPLERS.entrySet()) {
                if (known.getValue().equalsIgnoreCase(label)) {
                    request.put("sampler", known.getKey().id());
                    return;
                }
                for (SigmaSpacing spacing : List.of(SigmaSpacing.KARRAS, SigmaSpacing.EXPONENTIAL)) {
                    if ((known.getValue() + " " + SCHEDULES.get(spacing)).equalsIgnoreCase(label)) {
                        request.put("sampler", known.getKey().id());
                        request.put("schedule", spacing.id());
                        return;
                    }
                }
            }
            unsupported.add("Sampler: " + label);
        }

        void schedule(@Nullable String label) {
            if (request.containsKey("schedule") || request.containsKey("timesteps") || request.containsKey("sigmas")) {
                return;
            }
            if (label == null || label.equalsIgnoreCase("Automatic")) {
                request.put(
                        "schedule",
                        automatic(String.valueOf(request.get("sampler"))).id());
                return;
            }
            SCHEDULES.entrySet().stream()
                    .filter(known -> known.getValue().equalsIgnoreCase(label))
                    .findFirst()
                    .ifPresentOrElse(
                            known -> request.put("schedule", known.getKey().id()),
                            () -> unsupported.add("Schedule type: " + label));
        }

        /** {@code modules/sd_samplers_kdiffusion.py}, the samplers' own schedulers. */
        private static SigmaSpacing automatic(String sampler) {
            return switch (sampler) {
                case "dpm2", "dpm2_ancestral", "dpmpp_2m", "dpmpp_sde" -> SigmaSpacing.KARRAS;
                case "dpmpp_2m_sde" -> SigmaSpacing.EXPONENTIAL;
                default -> SigmaSpacing.DEFAULT;
            };
        }

        private void size(String value) {
            String[] sides = value.toLowerCase(Locale.ROOT).split("x", -1);
            if (sides.length != 2) {
                throw new NumberFormatException(value);
            }
            request.put("width", Integer.valueOf(sides[0]));
            request.put("height", Integer.valueOf(sides[1]));
        }

        private static <T> List<T> numbers(String value, Function<String, T> number) {
            List<T> all = new ArrayList<>();
            for (String each : value.split(" ")) {
                all.add(number.apply(each));
            }
            return all;
        }
    }

    /** {@code name: value, name: "a value, in JSON"}, in order; of a name that comes twice the last one. */
    private static Map<String, String> settings(String line) {
        Map<String, String> settings = new LinkedHashMap<>();
        int at = 0;
        while (at < line.length()) {
            int colon = line.indexOf(':', at);
            if (colon < 0) {
                break;
            }
            String name = line.substring(at, colon).strip();
            int start = colon + 1;
            while (start < line.length() && line.charAt(start) == ' ') {
                start++;
            }
            int end = start < line.length() && line.charAt(start) == '"' ? closingQuote(line, start) + 1 : 0;
            if (end <= start) {
                int comma = line.indexOf(',', start);
                end = comma < 0 ? line.length() : comma;
            }
            settings.put(name, unquoted(line.substring(start, end).strip()));
            int comma = line.indexOf(',', end);
            at = comma < 0 ? line.length() : comma + 1;
        }
        return settings;
    }

    /** −1 if there is none. */
    private static int closingQuote(String line, int opening) {
        for (int i = opening + 1; i < line.length(); i++) {
            if (line.charAt(i) == '\\') {
                i++;
            } else if (line.charAt(i) == '"') {
                return i;
            }
        }
        return -1;
    }

    private static String unquoted(String value) {
        if (!value.startsWith("\"")) {
            return value;
        }
        try {
            return JsonMapper.shared().readValue(value, String.class);
        } catch (JacksonException e) {
            return value;
        }
    }
}
