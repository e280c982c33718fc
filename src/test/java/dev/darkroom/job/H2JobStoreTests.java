package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.request.Requests;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

class H2JobStoreTests extends JobStoreTests {

    @BeforeAll
    static void open() {
        open(new Database().embeddedDatabase(settings()).getJdbcUrl(), "sa");
    }

    /** A row as version 1 of the tables held it. */
    @Test
    void jobsOfAnOlderDatabaseAreStillRead() {
        try (HikariDataSource old = new HikariDataSource()) {
            old.setJdbcUrl("jdbc:h2:mem:old;DB_CLOSE_DELAY=-1");
            Flyway.configure().dataSource(old).target("1").load().migrate();
            JdbcClient.create(old).sql("""
                            insert into job (id, state, spec, claim, starts, step, cancel_requested, last_event, created_at)
                            values ('old', 'queued', ?, 0, 0, 0, false, 0, current_timestamp)""").param("""
                            {"model":"m","prompt":"a {red} apple","negativePrompt":"","width":64,"height":64,"steps":20,\
                            "guidanceScale":4.0,"seed":42,"n":2,"sampler":"EULER","schedule":"KARRAS"}""").update();
            Flyway.configure().dataSource(old).load().migrate();
            JobStore upgraded = store(old, clock);
            assertThat(upgraded.find("old").orElseThrow().request())
                    .isEqualTo(Requests.of(
                            "m",
                            Map.of(
                                    "prompt",
                                    "a {red} apple",
                                    "guidance_scale",
                                    4,
                                    "seed",
                                    42,
                                    "n",
                                    2,
                                    "schedule",
                                    "karras",
                                    "determinism",
                                    "fast")));
        }
    }

    @Test
    void whatADeadProcessHeldIsFreeAfterReopeningTheFile() {
        String id = running(1, 7);
        sql.sql("""
                        insert into scheduled_tasks (task_name, task_instance, execution_time, picked, picked_by, version)
                        values ('draw', ?, current_timestamp, true, 'a dead process', 7)""").param(id).update();
        database.close();
        open();
        claims.releaseAll();
        assertThat(job(id).state()).isEqualTo(JobState.QUEUED);
        assertThat(sql.sql("select count(*) from scheduled_tasks where picked = false and version = 8")
                        .query(Integer.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void aThreadThatIsInterruptedWhileItWritesClosesTheDatabaseOfNobody() throws Exception {
        for (int round = 0; round < 50; round++) {
            Thread writer = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    try {
                        insert(1);
                    } catch (RuntimeException e) {
                        return; // it was interrupted before it had a connection
                    }
                }
            });
            writer.start();
            LockSupport.parkNanos(round * 100_000L);
            writer.interrupt();
            writer.join();
            insert(1);
        }
    }
}
