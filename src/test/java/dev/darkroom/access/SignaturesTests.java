package dev.darkroom.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

class SignaturesTests {

    private static DataSource database() {
        JdbcDataSource database = new JdbcDataSource();
        database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
        Flyway.configure().dataSource(database).load().migrate();
        return database;
    }

    private static Signatures process(DataSource database) {
        return new Signatures(JdbcClient.create(database));
    }

    @Test
    void processesThatBeginAtOnceHaveOneKey() {
        DataSource database = database();
        List<Signatures> processes =
                IntStream.range(0, 8).mapToObj(i -> process(database)).toList();
        Set<String> made = ConcurrentHashMap.newKeySet();
        processes.parallelStream().forEach(process -> made.add(process.sign("a text")));
        assertThat(made).hasSize(1).allSatisfy(signature -> {
            assertThat(signature).matches("[A-Za-z0-9_-]{43}");
            assertThat(processes).allMatch(process -> process.isOf("a text", signature));
            assertThat(process(database).isOf("a text", signature)).isTrue();
        });
    }

    @Test
    void aSignatureIsOfItsTextAndItsInstallationOnly() {
        Signatures here = process(database());
        String signature = here.sign("a text");
        assertThat(here.isOf("another text", signature)).isFalse();
        assertThat(here.isOf("a text", signature.substring(1))).isFalse();
        assertThat(here.isOf("a text", "")).isFalse();
        assertThat(process(database()).isOf("a text", signature)).isFalse();
    }
}
