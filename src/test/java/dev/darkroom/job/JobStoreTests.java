package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.Output;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;

class JobStoreTests {

    private static final byte[] PNG = {1, 2, 3};

    @TempDir
    static Path data;

    private static final JobEvents events = new JobEvents();
    private static HikariDataSource database;
    private static JobStore store;

    @BeforeAll
    static void open() {
        JobSettings settings = new JobSettings(data.toString(), 100);
        database = new HikariDataSource();
        database.setJdbcUrl(new JobConfiguration().embeddedDatabase(settings).getJdbcUrl());
        database.setUsername("sa");
        Flyway.configure().dataSource(database).load().migrate();
        store = new JobStore(
                JdbcClient.create(database),
                new DataSourceTransactionManager(database),
                events,
                new ImageStore(settings),
                InstantSource.system());
    }

    @AfterAll
    static void close() {
        database.close();
    }

    @BeforeEach
    void empty() {
        JdbcClient sql = JdbcClient.create(database);
        sql.sql("delete from job").update();
        sql.sql("delete from scheduled_tasks").update();
    }

    @Test
    void aNewJobIsQueuedWithItsFirstEvent() {
        Job job = insert(2);
        assertThat(job.state()).isEqualTo(JobState.QUEUED);
        assertThat(job.spec()).isEqualTo(spec(2));
        assertThat(types(job.id())).containsExactly(JobEvent.Type.QUEUED);
        assertThat(job.lastEvent()).isEqualTo(1);
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
            JobStore upgraded = new JobStore(
                    JdbcClient.create(old),
                    new DataSourceTransactionManager(old),
                    events,
                    new ImageStore(new JobSettings(data.toString(), 100)),
                    InstantSource.system());
            assertThat(upgraded.find("old").orElseThrow().spec())
                    .isEqualTo(new ImageSpec(
                            "m",
                            "a {red} apple",
                            "",
                            0,
                            64,
                            64,
                            20,
                            4,
                            0,
                            42,
                            2,
                            SamplerKind.EULER,
                            SigmaSpacing.KARRAS,
                            List.of(),
                            List.of(),
                            Output.PNG));
        }
    }

    @Test
    void aJobAndItsQueueEntryAreInsertedTogetherOrNotAtAll() {
        List<String> ids = new ArrayList<>();
        assertThatThrownBy(() -> store.insert(spec(1), 100, id -> {
                    ids.add(id);
                    throw new IllegalStateException("the queue does not take it");
                }))
                .hasMessage("the queue does not take it");
        assertThat(ids).hasSize(1).allSatisfy(id -> assertThat(store.find(id)).isEmpty());
    }

    @Test
    void aFullQueueTakesNoMore() {
        insert(1);
        Job second = insert(1);
        assertThatThrownBy(() -> store.insert(spec(1), 2, id -> {})).isInstanceOf(QueueFull.class);
        store.cancel(second.id());
        assertThat(store.insert(spec(1), 2, id -> {}).state()).isEqualTo(JobState.QUEUED);
    }

    @Test
    void theLastPictureMakesTheJobSucceed() {
        String id = running(2, 7);
        store.step(id, 7, 0, 1, 20);
        store.image(id, 7, 1, 43, PNG);
        assertThat(job(id).state()).isEqualTo(JobState.RUNNING);
        store.image(id, 7, 0, 42, PNG);
        assertThat(job(id).state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(job(id).images()).extracting(Job.Image::index).containsExactly(0, 1);
        assertThat(job(id).finishedAt()).isNotNull();
        assertThat(store.eventsAfter(id, 0)).extracting(JobEvent::sequence).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
        assertThat(types(id))
                .containsExactly(
                        JobEvent.Type.QUEUED,
                        JobEvent.Type.STARTED,
                        JobEvent.Type.STEP,
                        JobEvent.Type.IMAGE,
                        JobEvent.Type.IMAGE,
                        JobEvent.Type.SUCCEEDED);
        assertThat(store.eventsAfter(id, 2).get(0).data()).isEqualTo("{\"image\":0,\"step\":1,\"steps\":20}");
    }

    @Test
    void aWorkerThatLostItsClaimChangesNothing() {
        String id = running(1, 7);
        assertThat(store.claim(id, 9)).map(Job::state).contains(JobState.QUEUED);
        store.start(id, 9);
        Job before = job(id);
        assertThatThrownBy(() -> store.step(id, 7, 0, 1, 20)).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.image(id, 7, 0, 42, PNG)).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.fail(id, 7, FailureCode.DRAWING_FAILED, "late"))
                .isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.canceled(id, 7)).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.release(id, 7)).isInstanceOf(ClaimLost.class);
        assertThat(job(id)).isEqualTo(before);
        store.image(id, 9, 0, 42, PNG);
        assertThat(job(id).state()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void anEndedJobCannotBeClaimedOrChanged() {
        String id = running(1, 7);
        store.image(id, 7, 0, 42, PNG);
        Job before = job(id);
        assertThat(store.claim(id, 8)).isEmpty();
        assertThatThrownBy(() -> store.image(id, 7, 0, 42, PNG)).isInstanceOf(ClaimLost.class);
        store.cancel(id);
        assertThat(job(id)).isEqualTo(before);
    }

    @Test
    void aQueuedJobIsCanceledAtOnceAndItsWorkerLearnsOfIt() {
        Job job = insert(1);
        assertThat(store.claim(job.id(), 3)).isPresent();
        store.cancel(job.id());
        assertThat(job(job.id()).state()).isEqualTo(JobState.CANCELED);
        assertThatThrownBy(() -> store.start(job.id(), 3)).isInstanceOf(ClaimLost.class);
    }

    @Test
    void aRunningJobIsAskedToStop() {
        String id = running(1, 7);
        assertThat(store.cancelRequests()).isEmpty();
        store.cancel(id);
        assertThat(job(id).state()).isEqualTo(JobState.RUNNING);
        assertThat(store.cancelRequests()).containsExactly(id);
        store.canceled(id, 7);
        assertThat(job(id).state()).isEqualTo(JobState.CANCELED);
        assertThat(store.cancelRequests()).isEmpty();
    }

    @Test
    void finishedPicturesAndTheirStepsSurviveAnInterruption() {
        String id = running(2, 7);
        store.step(id, 7, 1, 1, 2);
        store.image(id, 7, 0, 42, PNG);
        Job again = store.claim(id, 8).orElseThrow();
        assertThat(new Claim(store, again, 8).missingImages()).containsExactly(1);
        store.start(id, 8);
        assertThat(job(id).step()).isEqualTo(2);
    }

    @Test
    void aJobWhoseWorkersDiedTooOftenFails() {
        Job job = insert(1);
        for (int claim = 1; claim <= JobStore.MAX_STARTS; claim++) {
            assertThat(store.claim(job.id(), claim)).isPresent();
            store.start(job.id(), claim);
        }
        assertThat(store.claim(job.id(), 99)).isEmpty();
        assertThat(job(job.id()).state()).isEqualTo(JobState.FAILED);
        assertThat(job(job.id()).failure()).extracting(Job.Failure::code).isEqualTo("interrupted_too_often");
    }

    @Test
    void givingAJobBackDoesNotCountAsDying() {
        Job job = insert(1);
        for (int claim = 1; claim <= 3 * JobStore.MAX_STARTS; claim++) {
            assertThat(store.claim(job.id(), claim)).map(Job::state).contains(JobState.QUEUED);
            store.start(job.id(), claim);
            store.release(job.id(), claim);
        }
        assertThat(job(job.id()).state()).isEqualTo(JobState.QUEUED);
    }

    @Test
    void whatADeadProcessHeldIsFreeAfterReopeningTheFile() {
        String id = running(1, 7);
        JdbcClient.create(database).sql("""
                        insert into scheduled_tasks (task_name, task_instance, execution_time, picked, picked_by, version)
                        values ('draw', ?, current_timestamp, true, 'a dead process', 7)""").param(id).update();
        database.close();
        open();
        store.releaseAll();
        assertThat(job(id).state()).isEqualTo(JobState.QUEUED);
        assertThat(JdbcClient.create(database)
                        .sql("select count(*) from scheduled_tasks where picked = false and version = 8")
                        .query(Integer.class)
                        .single())
                .isEqualTo(1);
    }

    @Test
    void listenersHearOfCommittedEventsOnly() {
        Job job = insert(1);
        List<JobEvent.Type> heard = new ArrayList<>();
        Runnable unsubscribe = events.subscribe(job.id(), heard::add);
        store.claim(job.id(), 1);
        store.start(job.id(), 1);
        assertThatThrownBy(() -> store.start(job.id(), 1)).isInstanceOf(IllegalStateException.class);
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
        unsubscribe.run();
        store.release(job.id(), 1);
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
    }

    private Job insert(int n) {
        return store.insert(spec(n), 100, id -> {});
    }

    private String running(int n, long claim) {
        String id = insert(n).id();
        assertThat(store.claim(id, claim)).isPresent();
        store.start(id, claim);
        return id;
    }

    private Job job(String id) {
        return store.find(id).orElseThrow();
    }

    private List<JobEvent.Type> types(String id) {
        return store.eventsAfter(id, 0).stream().map(JobEvent::type).toList();
    }

    private static ImageSpec spec(int n) {
        return new ImageSpec(
                "m",
                "a red apple",
                "",
                1,
                64,
                64,
                2,
                4,
                0.7,
                42,
                n,
                SamplerKind.EULER,
                SigmaSpacing.DEFAULT,
                List.of(),
                List.of(14.5, 0.1),
                Output.PNG);
    }
}
