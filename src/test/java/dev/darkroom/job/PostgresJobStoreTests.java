package dev.darkroom.job;

import dev.darkroom.TestPostgres;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresJobStoreTests extends JobStoreTests {

    private static TestPostgres server;

    @BeforeAll
    static void open() {
        server = TestPostgres.start();
        open(server.freshDatabase("jobs"), server.user());
    }

    @AfterAll
    static void stop() throws IOException {
        database.close();
        server.close();
    }
}
