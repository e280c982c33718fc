package dev.darkroom.trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What Unicode says about an emoji (CLDR annotations as npm's {@code emojibase-data} has them, MIT).
 *
 * @param name its CLDR short name with hyphens, which most icon sets use: {@code ear-of-corn}
 * @param texts short name, and character name where that differs: "ear of corn", "ear of maize"
 * @param fileNames other names that icon sets file it under
 * @param keywords single words that go with it: "maize"
 */
record Emoji(String name, List<String> texts, List<String> fileNames, List<String> keywords) {
    private static final NpmPackage SOURCE = new NpmPackage("emojibase-data@17.0.0");

    // Numbers of groups and subgroups, messages.json of the package.
    private static final int COMPONENTS = 2;
    private static final int FLAGS = 9;
    private static final int KEYCAPS = 94;
    private static final int LETTERS = 95;

    /**
     * All emoji but skin tones, flags, letters and keycaps, in Unicode's order; the annotations are fetched into {@code folder}.
     */
    static List<Emoji> fetch(Path folder) throws IOException {
        return read(SOURCE.fetch(folder, "en/data.json"), SOURCE.fetch(folder, "en/shortcodes/github.json"));
    }

    /**
     * @param data {@code data.json} of emojibase, a list with one object an emoji
     * @param shortcodes short codes, a string or several by code point
     */
    static List<Emoji> read(Path data, Path shortcodes) throws IOException {
        try {
            JsonNode codes = JsonMapper.shared().readTree(shortcodes.toFile());
            List<Emoji> emojis = new ArrayList<>();
            for (JsonNode node : JsonMapper.shared().readTree(data.toFile())) {
                int group = node.path("group").asInt(COMPONENTS);
                int subgroup = node.path("subgroup").asInt(0);
                if (group != COMPONENTS && group != FLAGS && subgroup != KEYCAPS && subgroup != LETTERS) {
                    emojis.add(of(node, codes.path(node.path("hexcode").asString())));
                }
            }
            return emojis;
        } catch (JacksonException e) {
            throw new IOException("%s or %s: %s".formatted(data, shortcodes, e.getOriginalMessage()), e);
        }
    }

    private static Emoji of(JsonNode node, JsonNode codes) {
        String label = words(node.path("label").asString());
        Set<String> texts = new LinkedHashSet<>(List.of(label));
        String hexcode = node.path("hexcode").asString();
        if (hexcode.matches("[0-9A-F]+(-FE0F)?")) {
            String character = Character.getName(Integer.parseInt(hexcode.split("-")[0], 16));
            if (character != null) {
                texts.add(words(character));
            }
        }
        List<String> fileNames = Stream.concat(codes.valueStream(), Stream.of(codes))
                .filter(JsonNode::isString)
                .map(JsonNode::asString)
                .filter(code -> !code.equals("pout")) // in FxEmojis that is another emoji
                .toList();
        List<String> keywords = node.path("tags")
                .valueStream()
                .map(tag -> words(tag.asString()))
                .filter(tag -> tag.matches("[a-z]{3,}"))
                .toList();
        return new Emoji(slug(label), List.copyOf(texts), fileNames, keywords);
    }

    /** Its names as {@link IconSet#find} compares them, the likeliest first. */
    Stream<String> keys() {
        return Stream.concat(texts.stream(), fileNames.stream()).map(Emoji::key);
    }

    /** A name without all that sets write differently: {@code alarmclock} for {@code alarm-clock}. */
    static String key(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    private static String slug(String label) {
        return label.replace(' ', '-');
    }

    /** Lower case, words of letters and digits. */
    private static String words(String text) {
        return text.toLowerCase(Locale.ROOT)
                .replaceAll("[’'“”.]", "")
                .replaceAll("[^\\p{L}\\p{N}]+", " ")
                .strip();
    }
}
