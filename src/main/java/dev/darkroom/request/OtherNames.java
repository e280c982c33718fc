package dev.darkroom.request;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What other programs call the values of our fields: AUTOMATIC1111's web UI, ComfyUI, InvokeAI, Replicate, diffusers' classes. They
 * are no further names for the same; but the answer to them says what to write.
 */
public final class OtherNames {

    /** Without what {@link #plain} takes away. */
    private static final Map<String, SamplerKind> SAMPLERS = Map.ofEntries(
            Map.entry("plms", SamplerKind.PNDM),
            Map.entry("eulera", SamplerKind.EULER_ANCESTRAL),
            Map.entry("dpm2a", SamplerKind.DPM2_ANCESTRAL),
            Map.entry("kdpm2", SamplerKind.DPM2),
            Map.entry("kdpm2a", SamplerKind.DPM2_ANCESTRAL),
            Map.entry("kdpm2ancestral", SamplerKind.DPM2_ANCESTRAL),
            Map.entry("dpmsolversinglestep", SamplerKind.DPMPP_2S),
            Map.entry("deismultistep", SamplerKind.DEIS),
            Map.entry("dpmsolvermultistep", SamplerKind.DPMPP_2M),
            Map.entry("dpmsolverpp", SamplerKind.DPMPP_2M),
            Map.entry("dpmsolver", SamplerKind.DPMPP_2M),
            Map.entry("dpm2m", SamplerKind.DPMPP_2M),
            Map.entry("dpm", SamplerKind.DPMPP_2M),
            Map.entry("dpmsolversde", SamplerKind.DPMPP_SDE),
            Map.entry("unipcmultistep", SamplerKind.UNIPC),
            Map.entry("unipcbh2", SamplerKind.UNIPC));

    private static final List<SigmaSpacing> SUFFIXES =
            List.of(SigmaSpacing.KARRAS, SigmaSpacing.EXPONENTIAL, SigmaSpacing.BETA);

    private OtherNames() {}

    /**
     * What to write for a value that is none of a field's.
     *
     * @return the end of a sentence, empty where nothing is like it
     */
    static String advice(String field, String given, List<String> known) {
        Map<String, String> written = new LinkedHashMap<>();
        known.stream().filter(id -> plain(id).equals(plain(given))).findFirst().ifPresent(id -> written.put(field, id));
        if (written.isEmpty()) {
            switch (field) {
                case "sampler" -> written.putAll(sampler(given));
                case "schedule" -> schedule(given).ifPresent(spacing -> written.put(field, spacing.id()));
                case "output_format" -> format(given).ifPresent(format -> written.put(field, format.id()));
                default -> {}
            }
        }
        List<String> fields = new ArrayList<>();
        written.forEach((name, value) -> fields.add("\"" + name + "\": \"" + value + "\""));
        return fields.isEmpty() ? "" : "; write " + String.join(", ", fields);
    }

    /**
     * What to write for the name of a model that is not served.
     *
     * @param given {@code org/name} is the hub's name of what is {@code org--name} here
     */
    public static String ofModel(String given, List<String> served) {
        String here = given.strip().replace("/", "--");
        return served.stream()
                .filter(id -> id.equalsIgnoreCase(here))
                .findFirst()
                .map(id -> "; write \"model\": \"" + id + "\"")
                .orElse("");
    }

    private static Map<String, String> sampler(String given) {
        String name = plain(given);
        if (given.matches("(?i)k[_ -].*")) {
            name = name.substring(1); // k-diffusion's
        }
        name = name.replaceFirst("scheduler$", "").replaceFirst("discrete$", "");
        SigmaSpacing spacing = null;
        for (SigmaSpacing each : SUFFIXES) {
            if (name.endsWith(each.id())) {
                spacing = each;
                name = name.substring(0, name.length() - each.id().length());
            } else if (name.startsWith(each.id())) { // KarrasDPM
                spacing = each;
                name = name.substring(each.id().length());
            }
        }
        if (spacing == null && given.endsWith("_k")) {
            spacing = SigmaSpacing.KARRAS;
            name = name.substring(0, name.length() - 1);
        }
        String base = name;
        SamplerKind kind = SamplerKind.ids().stream()
                .filter(id -> plain(id).equals(base))
                .findFirst()
                .flatMap(SamplerKind::of)
                .orElse(SAMPLERS.get(base));
        Map<String, String> written = new LinkedHashMap<>();
        if (kind != null) {
            written.put("sampler", kind.id());
            if (spacing != null && kind.schedules().contains(spacing)) {
                written.put("schedule", spacing.id());
            }
        }
        return written;
    }

    private static Optional<SigmaSpacing> schedule(String given) {
        return switch (plain(given)) {
            case "uniform", "normal" -> Optional.of(SigmaSpacing.DEFAULT);
            default -> Optional.empty();
        };
    }

    private static Optional<OutputFormat> format(String given) {
        String name = given.strip().toLowerCase(Locale.ROOT).replaceFirst("^image/|^\\.", "");
        return name.equals("jpg") || name.equals("jpe") ? Optional.of(OutputFormat.JPEG) : OutputFormat.of(name);
    }

    /** Case and what joins words do not matter; ++ is pp. */
    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replace("++", "pp").replaceAll("[^a-z0-9]", "");
    }
}
