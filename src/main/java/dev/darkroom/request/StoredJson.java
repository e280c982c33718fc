package dev.darkroom.request;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON in rows, which any version of Darkroom may have written. What a version did not know yet has the value that changes
 * nothing ({@code ABSENT} of the records); what it knows and this one does not is ignored.
 */
public final class StoredJson {

    private static final JsonMapper JSON = JsonMapper.shared();

    private static final ObjectNode ABSENT_IN_REQUEST = JSON.valueToTree(Request.ABSENT);

    private static final ObjectNode ABSENT_IN_MODEL = object("""
            {"guidanceEmbedded":false, "words":[]}""");

    private StoredJson() {}

    public static String of(Object value) {
        return JSON.writeValueAsString(value);
    }

    /** @throws UnreadableRow if it is no request, or asks for what this version does not know */
    public static Request request(String json) {
        return read(json, ABSENT_IN_REQUEST, Request.class);
    }

    /** @throws UnreadableRow if it is no description, or says what this version does not know */
    public static ModelInfo model(String json) {
        return read(json, ABSENT_IN_MODEL, ModelInfo.class);
    }

    private static <T> T read(String json, ObjectNode absent, Class<T> type) {
        try {
            ObjectNode whole = absent.deepCopy();
            object(json).properties().stream()
                    .filter(part -> !part.getValue().isNull())
                    .forEach(part -> whole.set(part.getKey(), part.getValue()));
            return JSON.treeToValue(whole, type);
        } catch (RuntimeException e) { // of Jackson, or of the record's own checks
            throw new UnreadableRow(e);
        }
    }

    private static ObjectNode object(String json) {
        JsonNode node = JSON.readTree(json);
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new IllegalArgumentException("expected an object, found " + node.getNodeType());
    }
}
