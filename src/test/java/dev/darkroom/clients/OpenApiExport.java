package dev.darkroom.clients;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the OpenAPI document that is kept without its lists of values, since the generator's Python clients refuse answers
 * with a value that was added later.
 */
final class OpenApiExport {

    private OpenApiExport() {}

    /** @param args the document, the file to write */
    public static void main(String[] args) throws IOException {
        JsonNode document = JsonMapper.shared().readTree(Files.readString(Path.of(args[0])));
        document.findParents("enum").forEach(schema -> ((ObjectNode) schema).remove("enum"));
        Path file = Path.of(args[1]);
        Files.createDirectories(file.getParent());
        Files.writeString(file, document.toString());
    }
}
