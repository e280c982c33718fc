package dev.darkroom.api.http;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.Rule;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads the bodies of requests field by field, so that all wrong fields are told at once. */
@Component
public class RequestBodies {

    /** What others call our fields, and OpenAI's clients theirs. */
    private static final Map<String, String> SYNONYMS = Map.ofEntries(
            Map.entry("width", "size"),
            Map.entry("height", "size"),
            Map.entry("size", "width"),
            Map.entry("steps", "num_inference_steps"),
            Map.entry("num_inference_steps", "steps"),
            Map.entry("previews", "partial_images"),
            Map.entry("partial_images", "previews"),
            Map.entry("cfg_scale", "guidance_scale"),
            Map.entry("cfg", "guidance_scale"),
            Map.entry("num_images", "n"),
            Map.entry("num_images_per_prompt", "n"),
            Map.entry("num_outputs", "n"),
            Map.entry("batch_size", "n"),
            Map.entry("sampler_name", "sampler"),
            Map.entry("sampler_index", "sampler"),
            Map.entry("sampling_method", "sampler"),
            Map.entry("scheduler", "sampler"),
            Map.entry("scheduler_type", "schedule"),
            Map.entry("noise_schedule", "schedule"),
            Map.entry("num_steps", "steps"),
            Map.entry("sampling_steps", "steps"),
            Map.entry("image_size", "width"),
            Map.entry("format", "output_format"),
            Map.entry("model_id", "model"));

    private final JsonMapper json;

    RequestBodies(JsonMapper json) {
        this.json = json;
    }

    /**
     * A body as far as it can be read.
     *
     * @param request without the wrong fields
     * @param wrong unknown fields and those of the wrong type
     */
    public record FieldsRead<T>(T request, List<Violation> wrong) {

        /** These and what is wrong with the fields that could be read. */
        public List<Violation> with(List<Violation> further) {
            Set<String> told =
                    wrong.stream().map(each -> each.field().split("\\.", 2)[0]).collect(Collectors.toSet());
            List<Violation> all = new ArrayList<>(wrong);
            further.stream().filter(each -> !told.contains(each.field())).forEach(all::add);
            return all;
        }
    }

    /**
     * Reads a body.
     *
     * @param type a record whose components all have a {@link JsonProperty}, or are such records and have {@link JsonUnwrapped}
     * @throws Problem if the body is no JSON object
     */
    public <T extends Record> FieldsRead<T> read(JsonNode body, Class<T> type) {
        if (!(body instanceof ObjectNode object)) {
            throw new Problem(Problem.Code.MALFORMED_JSON, "the body must be one JSON object");
        }
        Map<String, Type> known = fields(type);
        List<Violation> wrong = new ArrayList<>();
        ObjectNode readable = json.createObjectNode();
        object.properties().forEach(field -> {
            Type expected = known.get(field.getKey());
            Violation violation = expected == null
                    ? unknown(field.getKey(), known.keySet())
                    : mistyped(field.getKey(), field.getValue(), json.constructType(expected));
            if (violation == null) {
                readable.set(field.getKey(), field.getValue());
            } else {
                wrong.add(violation);
            }
        });
        return new FieldsRead<>(json.treeToValue(readable, type), wrong);
    }

    /** The fields of a shape and their types, those of unwrapped records among them. */
    static Map<String, Type> fields(Class<?> type) {
        Map<String, Type> fields = new LinkedHashMap<>();
        for (RecordComponent component : type.getRecordComponents()) {
            Method accessor = component.getAccessor();
            if (accessor.isAnnotationPresent(JsonUnwrapped.class)) {
                Map<String, Type> unwrapped = fields(component.getType());
                JsonIgnoreProperties left = accessor.getAnnotation(JsonIgnoreProperties.class);
                if (left != null) {
                    unwrapped.keySet().removeAll(Set.of(left.value()));
                }
                fields.putAll(unwrapped);
            } else {
                fields.put(
                        Objects.requireNonNull(accessor.getAnnotation(JsonProperty.class))
                                .value(),
                        component.getGenericType());
            }
        }
        return fields;
    }

    private @Nullable Violation mistyped(String field, JsonNode value, JavaType type) {
        try {
            json.treeToValue(value, type);
            return null;
        } catch (JacksonException e) {
            String path = field
                    + e.getPath().stream()
                            .map(reference -> ".[" + reference.getIndex() + "]")
                            .collect(Collectors.joining());
            Class<?> target = type.getRawClass();
            if (e instanceof MismatchedInputException mismatched && mismatched.getTargetType() != null) {
                target = mismatched.getTargetType();
            } else if (e instanceof InputCoercionException tooBig && tooBig.getTargetType() != null) {
                target = tooBig.getTargetType();
            }
            return new Violation(path, Rule.WRONG_TYPE, path + " must be " + jsonType(target));
        }
    }

    private static String jsonType(Class<?> type) {
        if (type == Integer.class || type == int.class) {
            return "an integer of at most 32 bits";
        }
        if (type == Long.class || type == long.class) {
            return "an integer of at most 64 bits";
        }
        if (Collection.class.isAssignableFrom(type)) {
            return "a list";
        }
        if (type == Boolean.class || type == boolean.class) {
            return "true or false";
        }
        return type == Double.class || type == double.class ? "a number" : "a string";
    }

    private static Violation unknown(String field, Set<String> known) {
        return new Violation(
                field,
                Rule.UNKNOWN_FIELD,
                "there is no field \"" + field + "\""
                        + nearest(field, known)
                                .map(near -> "; did you mean \"" + near + "\"?")
                                .orElse("")
                        + "; known fields: " + String.join(", ", known));
    }

    /** By another name for the same, or by spelling: a beginning, or a third of the letters wrong. */
    static Optional<String> nearest(String field, Set<String> known) {
        String synonym = SYNONYMS.get(field);
        if (synonym != null && known.contains(synonym)) {
            return Optional.of(synonym);
        }
        return known.stream()
                .filter(name -> field.length() > 2 && (name.startsWith(field) || field.startsWith(name + "_"))
                        || distance(field, name) <= Math.max(1, name.length() / 3) && name.length() > 1)
                .min(Comparator.comparingInt(name -> distance(field, name)));
    }

    /** Levenshtein's, of the letters and digits alone: case and what joins words do not matter. */
    private static int distance(String one, String other) {
        String a = one.replaceAll("[^A-Za-z0-9]", "").toLowerCase(Locale.ROOT);
        String b = other.replaceAll("[^A-Za-z0-9]", "").toLowerCase(Locale.ROOT);
        if (Math.abs(a.length() - b.length()) > b.length()) {
            return Integer.MAX_VALUE;
        }
        int[] above = new int[b.length() + 1];
        Arrays.setAll(above, j -> j);
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return above[b.length()];
    }
}
