package dev.darkroom.picture;

import dev.darkroom.picture.InvalidPicture.Reason;
import dev.darkroom.picture.a1111.Parameters;
import dev.darkroom.request.Draft;
import dev.darkroom.request.Request;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * The request that draws one picture again: {@code n} is 1 and {@code seed} is this picture's own. It says nothing of when
 * or by whom, so the same request gives the same file.
 *
 * @param request field names and values as {@code POST /v1/images} takes them, in its order; from a stranger's file as
 *     unchecked as a request is
 * @param unsupported what a text of another program says that a request cannot, for example {@code Denoising strength:
 *     0.5}; empty for a recipe of ours
 */
public record Recipe(Map<String, Object> request, List<String> unsupported) {

    private static final int VERSION = 1;
    private static final String VERSION_KEY = "darkroom_recipe";
    private static final String REQUEST_KEY = "request";

    /** ASCII, so that every container takes it as it is, unpaired surrogates included. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    public Recipe {
        request = Collections.unmodifiableMap(new LinkedHashMap<>(request));
        unsupported = List.copyOf(unsupported);
    }

    /** The recipe of picture {@code index} of a request. */
    public static Recipe of(Request request, int index) {
        Map<String, Object> fields = Draft.of(request.single(index)).fields();
        fields.remove("previews");
        return new Recipe(fields, List.of());
    }

    /** {@code {"darkroom_recipe":1,"request":{…}}}, ASCII. */
    public String json() {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put(VERSION_KEY, VERSION);
        document.put(REQUEST_KEY, request);
        return JSON.writeValueAsString(document);
    }

    /** The text that AUTOMATIC1111's web UI keeps in its pictures, with our further fields; see {@link Parameters}. */
    public String parameters() {
        return Parameters.write(request);
    }

    /** @throws InvalidPicture if it is not what {@link #json} writes */
    static Recipe ofJson(String json) {
        try {
            Map<String, Object> document = JSON.readValue(json, new TypeReference<Map<String, Object>>() {});
            if (document != null
                    && Integer.valueOf(VERSION).equals(document.get(VERSION_KEY))
                    && document.get(REQUEST_KEY) instanceof Map<?, ?> fields) {
                Map<String, Object> request = new LinkedHashMap<>();
                fields.forEach((name, value) -> request.put(String.valueOf(name), value));
                return new Recipe(request, List.of());
            }
        } catch (JacksonException e) {
            // Said below.
        }
        throw new InvalidPicture(
                Reason.BAD_RECIPE,
                "the recipe must be {\"" + VERSION_KEY + "\":" + VERSION + ",\"" + REQUEST_KEY + "\":{…}}; found: "
                        + (json.length() > 80 ? json.substring(0, 80) + "…" : json));
    }
}
