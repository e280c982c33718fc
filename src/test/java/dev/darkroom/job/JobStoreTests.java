package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.JobOptions;
import dev.darkroom.spec.Output;
import dev.darkroom.spec.Priority;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;

/** What holds on both databases; {@link H2JobStoreTests} and {@link PostgresJobStoreTests} run it. */
abstract class JobStoreTests {

    static final byte[] PNG = {1, 2, 3};

    @TempDir
    static Path data;

    static final JobEvents events = new JobEvents();
    static DatabaseClock clock;
    static HikariDataSource database;
    static JdbcClient sql;
    static JobStore store;
    static ImageStore files;

    /** Opens a database without tables, or one that an earlier call has filled. */
    static void open(String url, String user) {
        database = new HikariDataSource();
        database.setJdbcUrl(url);
        database.setUsername(user);
        Flyway.configure().dataSource(database).load().migrate();
        sql = JdbcClient.create(database);
        files = new DirectoryImageStore(settings().data().resolve("images"));
        clock = new DatabaseClock();
        store = store(database, clock);
    }

    static JobSettings settings() {
        return new JobSettings(data.toString(), Role.ALL, 100, Duration.ofDays(7));
    }

    static JobStore store(DataSource database, InstantSource clock) {
        return new JobStore(
                JdbcClient.create(database),
                new DataSourceTransactionManager(database),
                events,
                new DirectoryImageStore(settings().data().resolve("images")),
                clock);
    }

    private static Claim claim(Job job, long number) {
        StaticListableBeanFactory nothing = new StaticListableBeanFactory();
        Traces traces = new Traces(nothing.getBeanProvider(OpenTelemetry.class));
        return new Claim(store, new Paces(sql), new Metrics(new SimpleMeterRegistry()), traces, job, number);
    }

    @AfterAll
    static void close() {
        database.close();
    }

    @BeforeEach
    void empty() {
        sql.sql("delete from job").update();
        sql.sql("delete from flow").update();
        sql.sql("delete from caller_usage").update();
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

    @Test
    void aJobAndItsQueueEntryAreInsertedTogetherOrNotAtAll() {
        List<String> ids = new ArrayList<>();
        assertThatThrownBy(() -> store.insert(spec(1), JobOptions.DEFAULT, "someone", Quota.NONE, (id, tag) -> {
                    ids.add(id);
                    throw new IllegalStateException("the queue does not take it");
                }))
                .hasMessage("the queue does not take it");
        assertThat(ids).hasSize(1).allSatisfy(id -> assertThat(store.find(id)).isEmpty());
    }

    /** Two stores are two processes; each of 24 threads asks at once for more than there is. */
    @ParameterizedTest
    @CsvSource({"5,, OPEN_JOBS", ",5, PICTURES_PER_DAY"})
    void aQuotaHoldsForAllProcessesTogether(Integer openJobs, Integer picturesPerDay, QuotaExceeded.Kind kind)
            throws Exception {
        List<JobStore> processes = List.of(store, store(database, clock));
        Quota quota = new Quota(openJobs, picturesPerDay);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<String>> posts = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            JobStore process = processes.get(i % 2);
            JobOptions options = new JobOptions(Priority.values()[i % 3], null);
            posts.add(threads.submit(() -> process.insert(spec(1), options, "limited", quota, (id, tag) -> {})
                    .id()));
        }
        List<String> accepted = new ArrayList<>();
        for (Future<String> post : posts) {
            try {
                accepted.add(post.get());
            } catch (ExecutionException e) {
                assertThat(e.getCause())
                        .isInstanceOfSatisfying(
                                QuotaExceeded.class,
                                refused -> assertThat(refused.kind()).isEqualTo(kind));
            }
        }
        threads.shutdown();
        assertThat(accepted)
                .hasSize(5)
                .allSatisfy(id -> assertThat(store.caller(id)).contains("limited"));
        store.insert(spec(1), JobOptions.DEFAULT, "another", quota, (id, tag) -> {});

        JobStore tomorrow = store(database, InstantSource.offset(clock, Duration.ofDays(1)));
        if (picturesPerDay != null) {
            tomorrow.insert(spec(1), JobOptions.DEFAULT, "limited", quota, (id, tag) -> {});
        }
        tomorrow.forgetOldUsage();
        assertThat(sql.sql("select count(*) from caller_usage")
                        .query(Integer.class)
                        .single())
                .isEqualTo(picturesPerDay == null ? 0 : 1);
    }

    @Test
    void theLastPictureMakesTheJobSucceed() {
        String id = running(2, 7);
        store.step(id, 7, 0, 1, 20, null);
        store.image(id, 7, 1, 43, PNG, new Stages());
        assertThat(job(id).state()).isEqualTo(JobState.RUNNING);
        store.image(id, 7, 0, 42, PNG, new Stages());
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
        assertThatThrownBy(() -> store.step(id, 7, 0, 1, 20, null)).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.image(id, 7, 0, 42, PNG, new Stages())).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.fail(id, 7, FailureCode.DRAWING_FAILED, "late"))
                .isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.canceled(id, 7)).isInstanceOf(ClaimLost.class);
        assertThatThrownBy(() -> store.release(id, 7)).isInstanceOf(ClaimLost.class);
        assertThat(job(id)).isEqualTo(before);
        store.image(id, 9, 0, 42, PNG, new Stages());
        assertThat(job(id).state()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void anEndedJobCannotBeClaimedOrChanged() {
        String id = running(1, 7);
        store.image(id, 7, 0, 42, PNG, new Stages());
        Job before = job(id);
        assertThat(store.claim(id, 8)).isEmpty();
        assertThatThrownBy(() -> store.image(id, 7, 0, 42, PNG, new Stages())).isInstanceOf(ClaimLost.class);
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
        store.step(id, 7, 1, 1, 2, null);
        store.image(id, 7, 0, 42, PNG, new Stages());
        Job again = store.claim(id, 8).orElseThrow();
        assertThat(claim(again, 8).missingImages()).containsExactly(1);
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
    void listenersHearOfCommittedEventsOnly() {
        Job job = insert(1);
        List<JobEvent.Type> heard = new ArrayList<>();
        Runnable unsubscribe = events.subscribe(job.id(), heard::add);
        store.claim(job.id(), 1);
        store.start(job.id(), 1);
        store.start(job.id(), 1); // a second try changes nothing
        assertThatThrownBy(() -> store.start(job.id(), 2)).isInstanceOf(ClaimLost.class);
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
        unsubscribe.run();
        store.release(job.id(), 1);
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
    }

    @Test
    void callersTakeTurnsHoweverManyJobsEachHas() {
        List<String> expected = new ArrayList<>();
        List<String> heavy = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            heavy.add(insert(spec(1), Priority.NORMAL, "heavy").id());
        }
        store.claim(heavy.get(0), 1);
        store.start(heavy.get(0), 1);
        List<String> light = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            light.add(insert(spec(1), Priority.NORMAL, "light").id());
        }
        expected.addAll(List.of(light.get(0), heavy.get(1), light.get(1)));
        assertThat(inLine().subList(0, 3)).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(inLine().subList(3, 7)).containsExactlyElementsOf(heavy.subList(2, 6));
    }

    @Test
    void prioritiesShareByTheirWeights() {
        for (int i = 0; i < 40; i++) {
            insert(spec(1), Priority.LOW, "someone");
            insert(spec(1), Priority.NORMAL, "someone");
            insert(spec(1), Priority.HIGH, "someone");
        }
        List<Priority> first = inLine().subList(0, 42).stream()
                .map(id -> store.find(id).orElseThrow().priority())
                .toList();
        assertThat(first).filteredOn(Priority.HIGH::equals).hasSizeBetween(31, 33);
        assertThat(first).filteredOn(Priority.NORMAL::equals).hasSizeBetween(7, 9);
        assertThat(first).filteredOn(Priority.LOW::equals).hasSizeBetween(2, 3);
    }

    @Test
    void aLongJobCostsItsCallerMoreThanAShortOne() {
        insert(spec(8, 100), Priority.NORMAL, "long");
        String second = insert(spec(8, 100), Priority.NORMAL, "long").id();
        for (int i = 0; i < 10; i++) {
            insert(spec(1, 10), Priority.NORMAL, "short");
        }
        assertThat(inLine().indexOf(second)).isEqualTo(11);
    }

    @Test
    void everybodyIsEqualAgainAfterAnIdleMoment() {
        String earlier = insert(spec(8, 150), Priority.LOW, "earlier").id();
        store.forgetFlowsIfIdle();
        assertThat(insert(spec(1), Priority.LOW, "earlier").startTag()).isPositive();
        sql.sql("update job set state = 'succeeded'").update();
        store.forgetFlowsIfIdle();
        assertThat(insert(spec(1), Priority.LOW, "earlier").startTag()).isZero();
        assertThat(store.find(earlier)).isPresent();
    }

    @Test
    void theSameCallersPostsAtTheSameMomentAllGetPlacesOfTheirOwn() throws Exception {
        ExecutorService posts = Executors.newFixedThreadPool(8);
        try {
            List<Future<Job>> all = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                all.add(posts.submit(() -> insert(1)));
            }
            Set<Long> tags = new HashSet<>();
            for (Future<Job> post : all) {
                tags.add(post.get().startTag());
            }
            assertThat(tags).hasSize(40);
        } finally {
            posts.shutdownNow();
        }
    }

    @Test
    void aJobThatHasNotEndedInTimeFailsQueuedOrRunning() {
        JobOptions soon = new JobOptions(Priority.NORMAL, Duration.ofSeconds(1));
        String queued = store.insert(spec(1), soon, "someone", Quota.NONE, (id, tag) -> {})
                .id();
        String running = store.insert(spec(1), soon, "someone", Quota.NONE, (id, tag) -> {})
                .id();
        store.claim(running, 7);
        store.start(running, 7);
        String patient = insert(1).id();
        assertThat(store.expire()).isEmpty();

        JobStore later = store(database, InstantSource.offset(clock, Duration.ofSeconds(2)));
        assertThat(later.expire()).containsExactlyInAnyOrder(queued, running);
        for (String id : List.of(queued, running)) {
            assertThat(job(id).state()).isEqualTo(JobState.FAILED);
            assertThat(job(id).failure()).extracting(Job.Failure::code).isEqualTo("expired");
        }
        assertThat(job(patient).state()).isEqualTo(JobState.QUEUED);
        assertThatThrownBy(() -> store.step(running, 7, 0, 1, 2, null)).isInstanceOf(ClaimLost.class);
        assertThat(later.expire()).isEmpty();
    }

    @Test
    void anExpiredOrCanceledJobIsNotBegunAgainAfterItsWorkerDied() {
        String canceled = running(1, 7);
        store.cancel(canceled);
        assertThat(store.claim(canceled, 8)).isEmpty();
        assertThat(job(canceled).state()).isEqualTo(JobState.CANCELED);

        String expired = store.insert(
                        spec(1),
                        new JobOptions(Priority.HIGH, Duration.ofSeconds(1)),
                        "someone",
                        Quota.NONE,
                        (id, tag) -> {})
                .id();
        JobStore later = store(database, InstantSource.offset(clock, Duration.ofSeconds(2)));
        assertThat(later.claim(expired, 1)).isEmpty();
        assertThat(job(expired).failure()).extracting(Job.Failure::code).isEqualTo("expired");
    }

    @Test
    void aPictureWhoseCommitWasNotAcknowledgedIsRecordedOnce() {
        String id = running(2, 7);
        store.image(id, 7, 0, 42, PNG, new Stages());
        store.image(id, 7, 0, 42, PNG, new Stages());
        assertThat(job(id).images()).hasSize(1);
        assertThat(types(id)).filteredOn(JobEvent.Type.IMAGE::equals).hasSize(1);
    }

    @Test
    void aDeletedJobTakesItsPictureAlongUnlessAnotherHasTheSame() {
        String first = running(1, 7);
        store.image(first, 7, 0, 42, PNG, new Stages());
        String second = running(1, 7);
        store.image(second, 7, 0, 42, PNG, new Stages());
        String hash = job(first).images().get(0).hash();

        store.delete(first);
        assertThat(store.find(first)).isEmpty();
        assertThat(store.eventsAfter(first, 0)).isEmpty();
        assertThat(files.holds(hash)).isTrue();
        store.delete(second);
        assertThat(files.holds(hash)).isFalse();
        store.delete(second);
    }

    @Test
    void onlyJobsThatEndedLongAgoAreDeleted() {
        String ended = running(1, 7);
        store.image(ended, 7, 0, 42, PNG, new Stages());
        running(1, 8);
        assertThat(store.endedBefore(clock.instant().minusSeconds(60), 10)).isEmpty();
        assertThat(store.endedBefore(clock.instant().plusSeconds(60), 10)).containsExactly(ended);
    }

    /** Both have the same picture, so one's file is the other's. */
    @Test
    void aPictureIsNeverNamedWithoutItsFileWhileOthersAreDeleted() throws Exception {
        ExecutorService deleter = Executors.newSingleThreadExecutor();
        try {
            String old = running(1, 7);
            store.image(old, 7, 0, 42, PNG, new Stages());
            for (int round = 0; round < 100; round++) {
                String next = running(1, 7);
                String last = old;
                Future<?> deletion = deleter.submit(() -> store.delete(last));
                store.image(next, 7, 0, 42, PNG, new Stages());
                deletion.get();
                assertThat(files.holds(job(next).images().get(0).hash())).isTrue();
                old = next;
            }
        } finally {
            deleter.shutdownNow();
        }
    }

    @Test
    void aJobThatIsCanceledWhileItCompletesEndsExactlyOnce() throws Exception {
        race(50);
    }

    @Test
    @Tag("endurance")
    void aThousandJobsThatAreCanceledWhileTheyCompleteEndExactlyOnce() throws Exception {
        race(1000);
    }

    private void race(int rounds) throws Exception {
        ExecutorService client = Executors.newSingleThreadExecutor();
        int[] ends = new int[JobState.values().length];
        try {
            for (int round = 0; round < rounds; round++) {
                String id = running(1, 7);
                CyclicBarrier together = new CyclicBarrier(2);
                int head = round % 40 - 20; // the start of one of the two, later by so many times 50 µs
                Future<?> cancel = client.submit(() -> {
                    together.await();
                    LockSupport.parkNanos(Math.max(0, head) * 50_000L);
                    store.cancel(id);
                    return null;
                });
                together.await();
                LockSupport.parkNanos(Math.max(0, -head) * 50_000L);
                if (store.cancelRequests().contains(id)) {
                    store.canceled(id, 7);
                } else {
                    store.image(id, 7, 0, 42, PNG, new Stages());
                }
                cancel.get();
                ends[job(id).state().ordinal()]++;
                assertThat(types(id)).filteredOn(JobEvent.Type::isFinal).hasSize(1);
                assertThat(job(id).state().isFinal()).isTrue();
                assertThat(job(id).images()).hasSize(job(id).state() == JobState.SUCCEEDED ? 1 : 0);
            }
        } finally {
            client.shutdownNow();
        }
        assertThat(ends[JobState.SUCCEEDED.ordinal()]).isPositive();
        assertThat(ends[JobState.CANCELED.ordinal()]).isPositive();
        assertThat(ends[JobState.SUCCEEDED.ordinal()] + ends[JobState.CANCELED.ordinal()])
                .isEqualTo(rounds);
    }

    private List<String> inLine() {
        return sql.sql("select id from job where state = 'queued' order by start_tag, id")
                .query(String.class)
                .list();
    }

    Job insert(int n) {
        return insert(spec(n), Priority.NORMAL, "someone");
    }

    String running(int n, long claim) {
        String id = insert(n).id();
        assertThat(store.claim(id, claim)).isPresent();
        store.start(id, claim);
        return id;
    }

    Job job(String id) {
        return store.find(id).orElseThrow();
    }

    List<JobEvent.Type> types(String id) {
        return store.eventsAfter(id, 0).stream().map(JobEvent::type).toList();
    }

    Job insert(ImageSpec spec, Priority priority, String caller) {
        return store.insert(spec, new JobOptions(priority, null), caller, Quota.NONE, (id, tag) -> {});
    }

    static ImageSpec spec(int n) {
        return spec(n, 2);
    }

    static ImageSpec spec(int n, int steps) {
        return new ImageSpec(
                "m",
                "a red apple",
                "",
                1,
                64,
                64,
                steps,
                4,
                0.7,
                42,
                n,
                SamplerKind.EULER,
                SigmaSpacing.DEFAULT,
                List.of(),
                steps == 2 ? List.of(14.5, 0.1) : List.of(),
                Determinism.EXACT,
                0,
                Output.PNG);
    }
}
