package dev.darkroom.clients;

import dev.darkroom.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the OpenAPI document of a running server, for the generators of clients: as it is, and without the lists of
 * values, since the generator's Python clients refuse answers with a value that was added later.
 */
final class OpenApiExport {

    private OpenApiExport() {}

    /** @param args the folder */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(Path.of(args[0]));
        try (ServerProcess server =
                ServerProcess.start(ServerProcess.freshData("openapi")).awaitReady()) {
            String document = server.get("/v3/api-docs").body();
            Files.writeString(folder.resolve("openapi.json"), document);
            JsonNode open = JsonMapper.shared().readTree(document);
            open.findParents("enum").forEach(schema -> ((ObjectNode) schema).remove("enum"));
            Files.writeString(folder.resolve("openapi-without-enums.json"), open.toString());
        }
    }
}
