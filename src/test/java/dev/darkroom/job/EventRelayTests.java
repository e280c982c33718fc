package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.TestPostgres;
import java.sql.Connection;
import org.junit.jupiter.api.Test;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.simple.JdbcClient;

class EventRelayTests {

    /** A database that is reached with certain settings only, for example over TLS, is reached with them to listen as well. */
    @Test
    void listensWithTheSettingsOfThePoolsConnections() throws Exception {
        try (TestPostgres server = TestPostgres.start();
                HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(server.freshDatabase("relay"));
            pool.setUsername(server.user());
            pool.addDataSourceProperty("options", "-c lock_timeout=54321");
            pool.addDataSourceProperty("socketTimeout", "1");
            JdbcClient sql = JdbcClient.create(pool);
            EventRelay relay = new EventRelay(
                    new JobEvents(),
                    new JobKeeping(JobStoreTests.rows(pool, new DatabaseClock()), JobStoreTests.files),
                    sql,
                    pool,
                    details(pool));
            try (Connection listening = relay.connect();
                    var shown = listening.createStatement().executeQuery("show lock_timeout")) {
                assertThat(shown.next()).isTrue();
                assertThat(shown.getString(1)).isEqualTo("54321ms");
                assertThat(listening.getNetworkTimeout())
                        .as("it waits for hours")
                        .isZero();
            }
        }
    }

    private static JdbcConnectionDetails details(HikariDataSource pool) {
        return new JdbcConnectionDetails() {
            @Override
            public String getUsername() {
                return pool.getUsername();
            }

            @Override
            public String getPassword() {
                return "";
            }

            @Override
            public String getJdbcUrl() {
                return pool.getJdbcUrl();
            }
        };
    }
}
