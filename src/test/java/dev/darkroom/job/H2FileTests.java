package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

class H2FileTests {

    @TempDir
    Path directory;

    /** {@code RETENTION_TIME=0}, so that each compaction moves what has just been written. */
    @Test
    void statementsBesideACompactionAllSucceed() {
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl("jdbc:h2:async:" + directory.resolve("file") + ";WRITE_DELAY=0;RETENTION_TIME=0");
            JdbcClient sql = JdbcClient.create(pool);
            sql.sql("create table event (id bigint primary key, text varchar)").update();
            AtomicBoolean over = new AtomicBoolean();
            AtomicInteger statements = new AtomicInteger();
            List<CompletableFuture<Void>> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int thread = i;
                threads.add(CompletableFuture.runAsync(() -> {
                    for (int n = 0; !over.get(); n++) {
                        int id = 4 * (n % 500) + thread;
                        sql.sql("merge into event key (id) values (?, ?)")
                                .params(id, "x".repeat(2000))
                                .update();
                        sql.sql("select max(length(text)) from event where id < ?")
                                .param(id + 100)
                                .query(Integer.class)
                                .single();
                        if (n % 7 == 0) {
                            sql.sql("delete from event where id = ?").param(id).update();
                        }
                        statements.incrementAndGet();
                    }
                }));
            }
            H2File file = new H2File(pool);
            try {
                for (int i = 0; i < 40; i++) {
                    int before = statements.get();
                    file.compact(Duration.ofMillis(50));
                    while (statements.get() < before + 20 && threads.stream().noneMatch(CompletableFuture::isDone)) {
                        Thread.onSpinWait();
                    }
                }
            } finally {
                over.set(true);
            }
            threads.forEach(CompletableFuture::join);
            assertThat(statements).hasValueGreaterThan(800);
        }
    }
}
