package dev.darkroom.deploy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** YAML read as Kubernetes and Compose read it (1.1, with merge keys), as JSON. */
final class Yaml {
    private static final JsonMapper JSON = JsonMapper.shared();

    private Yaml() {}

    static JsonNode read(Path file) {
        return document(text(file));
    }

    static JsonNode document(String text) {
        return JSON.valueToTree(new org.yaml.snakeyaml.Yaml().load(text));
    }

    /** All documents that are not empty. */
    static List<JsonNode> documents(String text) {
        List<JsonNode> documents = new ArrayList<>();
        for (Object document : new org.yaml.snakeyaml.Yaml().loadAll(text)) {
            if (document != null) {
                documents.add(JSON.valueToTree(document));
            }
        }
        return documents;
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
