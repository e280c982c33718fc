package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SharedConnectionsTests {

    private static final int PATIENCE = 400;

    private final HikariDataSource pool = pool();
    private final SharedConnections shared = new SharedConnections(pool, 4, PATIENCE);
    private final ExecutorService threads = Executors.newCachedThreadPool();

    private static HikariDataSource pool() {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl("jdbc:h2:mem:shared");
        pool.setMaximumPoolSize(4);
        pool.setConnectionTimeout(PATIENCE);
        return pool;
    }

    @BeforeEach
    void open() throws SQLException {
        shared.getConnection().close();
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        pool.close();
    }

    /** Takes a connection and works with it for so long. */
    private CompletableFuture<Void> writing(long millis) {
        return CompletableFuture.runAsync(
                () -> SharedConnections.<RuntimeException, RuntimeException>writing("a", () -> {
                    try (Connection connection = shared.getConnection()) {
                        assertThat(connection.isValid(1)).isTrue();
                        Thread.sleep(millis);
                    } catch (SQLException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }),
                threads);
    }

    @Test
    void aCallerWaitsLongerThanThePatienceWhileOthersAreServed() {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            all.add(writing(PATIENCE / 10)); // one after the other: three times the patience in all
        }
        assertThat(all).allSatisfy(one -> assertThat(one.join()).isNull());
    }

    @Test
    void aCallerGivesUpWhereNobodyIsServed() throws Exception {
        CompletableFuture<Void> stuck = writing(20 * PATIENCE);
        long start = System.nanoTime();
        SharedConnections.writing(
                "b",
                () -> assertThatThrownBy(() -> {
                            while (true) { // until the first has it
                                shared.getConnection().close();
                            }
                        })
                        .isInstanceOf(SQLTransientConnectionException.class));
        assertThat((System.nanoTime() - start) / 1_000_000).isGreaterThanOrEqualTo(PATIENCE);
        assertThat(stuck).isNotDone();
    }

    @Test
    void readingGoesOnWhileAllThatIsForWritingIsTaken() throws Exception {
        CompletableFuture<Void> stuck = writing(5 * PATIENCE);
        SharedConnections.reading("b", () -> {
            for (int i = 0; i < 10; i++) {
                shared.getConnection().close();
            }
        });
        assertThat(stuck).isNotDone();
    }
}
