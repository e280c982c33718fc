package dev.darkroom.deploy;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The schemas that {@code src/test/reference/deployment_schemas.py} made. */
final class Schemas {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final ConcurrentHashMap<String, Schema> COMPILED = new ConcurrentHashMap<>();

    private Schemas() {}

    /**
     * What Kubernetes would say against an object, field by field; unknown fields are errors.
     *
     * @param version of Kubernetes, {@code 1.37.0}
     */
    static List<String> kubernetesErrors(String version, JsonNode object) {
        String kind = (object.path("apiVersion").asString() + "/"
                        + object.path("kind").asString())
                .replace('/', '.');
        Schema schema = COMPILED.computeIfAbsent(version + " " + kind, key -> {
            ObjectNode all = resource("kubernetes-" + version + ".json");
            if (!all.path("$defs").has(kind)) {
                throw new IllegalArgumentException("no schema of " + kind);
            }
            all.put("$ref", "#/$defs/" + kind);
            return compile(key, all);
        });
        return errors(schema, object);
    }

    static List<String> composeErrors(JsonNode file) {
        return errors(COMPILED.computeIfAbsent("compose", key -> compile(key, resource("compose-spec.json"))), file);
    }

    /** What a chart's values.schema.json says. */
    static Schema compile(String name, JsonNode schema) {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(SchemaLocation.of("memory:" + name.replace(' ', '/')), schema);
    }

    private static List<String> errors(Schema schema, JsonNode instance) {
        List<String> errors = new ArrayList<>();
        schema.validate(instance).forEach(error -> errors.add(error.toString()));
        return errors;
    }

    private static ObjectNode resource(String name) {
        try (InputStream in = Objects.requireNonNull(Schemas.class.getResourceAsStream(name), name)) {
            return (ObjectNode) JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
