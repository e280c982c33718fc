package dev.darkroom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.blobs.DirectoryImageStore;
import dev.darkroom.blobs.ImageStore;
import dev.darkroom.blobs.ImageStoreUnavailable;
import dev.darkroom.observe.Metrics;
import dev.darkroom.observe.Stages;
import dev.darkroom.request.Cost;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Priority;
import dev.darkroom.request.Request;
import dev.darkroom.request.Requests;
import dev.darkroom.request.UnreadableRow;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
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
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;

/** What holds on both databases; {@link H2JobStoreTests} and {@link PostgresJobStoreTests} run it. */
abstract class JobStoreTests {

    static final byte[] PNG = {1, 2, 3};
    private static final Cost COST = Cost.of(request(1), false);

    @TempDir
    static Path data;

    static final JobEvents events = new JobEvents();
    static DatabaseClock clock;
    static HikariDataSource database;
    static JdbcClient sql;
    static JobStore store;
    static ClaimStore claims;
    static JobKeeping keeping;
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
        claims = new ClaimStore(rows(database, clock));
        keeping = keeping(clock);
    }

    static JobSettings settings() {
        return new JobSettings(data.toString(), Role.ALL, 100, Duration.ofSeconds(5), Duration.ofDays(7));
    }

    static JobStore store(DataSource database, InstantSource clock) {
        return new JobStore(rows(database, clock));
    }

    static JobKeeping keeping(InstantSource clock) {
        return new JobKeeping(rows(database, clock), files);
    }

    static JobRows rows(DataSource database, InstantSource clock) {
        return new JobRows(
                JdbcClient.create(database),
                new JdbcTemplate(database),
                new DataSourceTransactionManager(database),
                events,
                clock);
    }

    private static Claim claim(Job job, long number) {
        StaticListableBeanFactory nothing = new StaticListableBeanFactory();
        Traces traces = new Traces(nothing.getBeanProvider(OpenTelemetry.class));
        return new Claim(new Paces(sql), new Metrics(new SimpleMeterRegistry()), traces, job, number);
    }

    /** A worker with this claim writes an entry. @return whether it still had the job */
    private static boolean write(String id, long claim, Function<Claim, Entry> entry) {
        return write(id, claim, entry, false);
    }

    private static boolean write(String id, long claim, Function<Claim, Entry> entry, boolean again) {
        Claim worker = claim(store.find(id).orElseThrow(), claim);
        return claims.write(List.of(entry.apply(worker)), again).isEmpty();
    }

    private static boolean start(String id, long claim) {
        return write(id, claim, worker -> worker.started(2, 2));
    }

    private static boolean step(String id, long claim, int image, int step, int steps) {
        return write(id, claim, worker -> worker.step(image, step, steps, null));
    }

    private static boolean image(String id, long claim, int index, long seed) {
        String hash = files.write(PNG);
        return write(id, claim, worker -> worker.drawn(index, seed, PNG, hash, new Stages()));
    }

    private static boolean release(String id, long claim) {
        return write(id, claim, Claim::released);
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
        sql.sql("delete from image_deletion").update();
    }

    @Test
    void aNewJobIsQueuedWithItsFirstEvent() {
        Job job = insert(2);
        assertThat(job.state()).isEqualTo(JobState.QUEUED);
        assertThat(job.request()).isEqualTo(request(2));
        assertThat(types(job.id())).containsExactly(JobEvent.Type.QUEUED);
        assertThat(job.lastEvent()).isEqualTo(1);
    }

    /** As the start of a newer version does while this one runs: PostgreSQL refuses a prepared statement whose columns change. */
    @Test
    void aColumnThatANewerVersionAddsBreaksNoStatement() {
        String id = insert(1).id();
        JobRows rows = rows(database, clock);
        Runnable read = () -> rows.inTransaction(() -> {
            rows.find(id);
            rows.lock(id);
            store.list("", List.of(JobState.QUEUED), null, 5);
        });
        for (int i = 0; i < 10; i++) {
            read.run(); // from the fifth time on by a prepared statement
        }
        sql.sql("alter table job add column later varchar(8)").update();
        try {
            assertThatCode(read::run).doesNotThrowAnyException();
        } finally {
            sql.sql("alter table job drop column later").update();
        }
    }

    @Test
    void aJobAndItsQueueEntryAreInsertedTogetherOrNotAtAll() {
        List<String> ids = new ArrayList<>();
        assertThatThrownBy(
                        () -> store.insert(request(1), COST, JobOptions.DEFAULT, "someone", Quota.NONE, (id, tag) -> {
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
            posts.add(threads.submit(() -> process.insert(request(1), COST, options, "limited", quota, (id, tag) -> {})
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
        store.insert(request(1), COST, JobOptions.DEFAULT, "another", quota, (id, tag) -> {});

        JobStore tomorrow = store(database, InstantSource.offset(clock, Duration.ofDays(1)));
        if (picturesPerDay != null) {
            tomorrow.insert(request(1), COST, JobOptions.DEFAULT, "limited", quota, (id, tag) -> {});
        }
        keeping(InstantSource.offset(clock, Duration.ofDays(1))).forgetOldUsage();
        assertThat(sql.sql("select count(*) from caller_usage")
                        .query(Integer.class)
                        .single())
                .isEqualTo(picturesPerDay == null ? 0 : 1);
    }

    @Test
    void theLastPictureMakesTheJobSucceed() {
        String id = running(2, 7);
        step(id, 7, 0, 1, 20);
        image(id, 7, 1, 43);
        assertThat(job(id).state()).isEqualTo(JobState.RUNNING);
        image(id, 7, 0, 42);
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
        assertThat(claims.claim(id, 9)).map(Job::state).contains(JobState.QUEUED);
        start(id, 9);
        Job before = job(id);
        assertThat(step(id, 7, 0, 1, 20)).isFalse();
        assertThat(image(id, 7, 0, 42)).isFalse();
        assertThat(write(id, 7, worker -> worker.failed(FailureCode.DRAWING_FAILED, "late")))
                .isFalse();
        assertThat(write(id, 7, Claim::canceled)).isFalse();
        assertThat(release(id, 7)).isFalse();
        assertThat(job(id)).isEqualTo(before);
        image(id, 9, 0, 42);
        assertThat(job(id).state()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void anEndedJobCannotBeClaimedOrChanged() {
        String id = running(1, 7);
        image(id, 7, 0, 42);
        Job before = job(id);
        assertThat(claims.claim(id, 8)).isEmpty();
        assertThat(image(id, 7, 0, 42)).isFalse();
        store.cancel(id);
        assertThat(job(id)).isEqualTo(before);
    }

    @Test
    void aQueuedJobIsCanceledAtOnceAndItsWorkerLearnsOfIt() {
        Job job = insert(1);
        assertThat(claims.claim(job.id(), 3)).isPresent();
        store.cancel(job.id());
        assertThat(job(job.id()).state()).isEqualTo(JobState.CANCELED);
        assertThat(start(job.id(), 3)).isFalse();
    }

    @Test
    void aRunningJobIsAskedToStop() {
        String id = running(1, 7);
        assertThat(claims.cancelRequests()).isEmpty();
        store.cancel(id);
        assertThat(job(id).state()).isEqualTo(JobState.RUNNING);
        assertThat(claims.cancelRequests()).containsExactly(id);
        write(id, 7, Claim::canceled);
        assertThat(job(id).state()).isEqualTo(JobState.CANCELED);
        assertThat(claims.cancelRequests()).isEmpty();
    }

    @Test
    void finishedPicturesAndTheirStepsSurviveAnInterruption() {
        String id = running(2, 7);
        step(id, 7, 1, 1, 2);
        image(id, 7, 0, 42);
        Job again = claims.claim(id, 8).orElseThrow();
        assertThat(claim(again, 8).missingImages()).containsExactly(1);
        start(id, 8);
        assertThat(job(id).step()).isEqualTo(2);
    }

    @Test
    void aJobWhoseWorkersDiedTooOftenFails() {
        Job job = insert(1);
        for (int claim = 1; claim <= ClaimStore.MAX_DEATHS; claim++) {
            assertThat(claims.claim(job.id(), claim)).isPresent();
            start(job.id(), claim);
            assertThat(claims.died(job.id(), claim)).isTrue();
            assertThat(claims.died(job.id(), claim))
                    .as("found dead by another process as well")
                    .isFalse();
            assertThat(step(job.id(), claim, 0, 1, 2))
                    .as("a worker that was only frozen")
                    .isFalse();
        }
        assertThat(claims.claim(job.id(), 99)).isEmpty();
        assertThat(job(job.id()).state()).isEqualTo(JobState.FAILED);
        assertThat(job(job.id()).failure()).extracting(Job.Failure::code).isEqualTo("interrupted_too_often");
    }

    @Test
    void onlyWorkersThatDiedCountAgainstAJob() {
        Job job = insert(1);
        for (int claim = 1; claim <= 3 * ClaimStore.MAX_DEATHS; claim++) {
            assertThat(claims.claim(job.id(), claim)).map(Job::state).contains(JobState.QUEUED);
            start(job.id(), claim); // and then it lets go of it without a word, as its database is away
        }
        assertThat(claims.claim(job.id(), 99)).isPresent();
    }

    @Test
    void givingAJobBackDoesNotCountAsDying() {
        Job job = insert(1);
        for (int claim = 1; claim <= 3 * ClaimStore.MAX_DEATHS; claim++) {
            assertThat(claims.claim(job.id(), claim)).map(Job::state).contains(JobState.QUEUED);
            start(job.id(), claim);
            release(job.id(), claim);
        }
        assertThat(job(job.id()).state()).isEqualTo(JobState.QUEUED);
    }

    @Test
    void listenersHearOfCommittedEventsOnly() {
        Job job = insert(1);
        List<JobEvent.Type> heard = new ArrayList<>();
        Runnable unsubscribe = events.subscribe(job.id(), heard::add);
        claims.claim(job.id(), 1);
        start(job.id(), 1);
        start(job.id(), 1); // a second try changes nothing
        assertThat(start(job.id(), 2)).isFalse();
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
        unsubscribe.run();
        release(job.id(), 1);
        assertThat(heard).containsExactly(JobEvent.Type.STARTED);
    }

    @Test
    void callersTakeTurnsHoweverManyJobsEachHas() {
        List<String> expected = new ArrayList<>();
        List<String> heavy = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            heavy.add(insert(request(1), Priority.NORMAL, "heavy").id());
        }
        claims.claim(heavy.get(0), 1);
        start(heavy.get(0), 1);
        List<String> light = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            light.add(insert(request(1), Priority.NORMAL, "light").id());
        }
        expected.addAll(List.of(light.get(0), heavy.get(1), light.get(1)));
        assertThat(inLine().subList(0, 3)).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(inLine().subList(3, 7)).containsExactlyElementsOf(heavy.subList(2, 6));
    }

    @Test
    void prioritiesShareByTheirWeights() {
        for (int i = 0; i < 40; i++) {
            insert(request(1), Priority.LOW, "someone");
            insert(request(1), Priority.NORMAL, "someone");
            insert(request(1), Priority.HIGH, "someone");
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
        insert(request(8, 100), Priority.NORMAL, "long");
        String second = insert(request(8, 100), Priority.NORMAL, "long").id();
        for (int i = 0; i < 10; i++) {
            insert(request(1, 10), Priority.NORMAL, "short");
        }
        assertThat(inLine().indexOf(second)).isEqualTo(11);
    }

    @Test
    void everybodyIsEqualAgainAfterAnIdleMoment() {
        String earlier = insert(request(8, 150), Priority.LOW, "earlier").id();
        keeping.forgetFlowsIfIdle();
        assertThat(insert(request(1), Priority.LOW, "earlier").startTag()).isPositive();
        sql.sql("update job set state = 'succeeded'").update();
        keeping.forgetFlowsIfIdle();
        assertThat(insert(request(1), Priority.LOW, "earlier").startTag()).isZero();
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
        String queued = store.insert(request(1), COST, soon, "someone", Quota.NONE, (id, tag) -> {})
                .id();
        String running = store.insert(request(1), COST, soon, "someone", Quota.NONE, (id, tag) -> {})
                .id();
        claims.claim(running, 7);
        start(running, 7);
        String patient = insert(1).id();
        assertThat(keeping.expire()).isEmpty();

        JobKeeping later = keeping(InstantSource.offset(clock, Duration.ofSeconds(2)));
        assertThat(later.expire()).containsExactlyInAnyOrder(queued, running);
        for (String id : List.of(queued, running)) {
            assertThat(job(id).state()).isEqualTo(JobState.FAILED);
            assertThat(job(id).failure()).extracting(Job.Failure::code).isEqualTo("expired");
        }
        assertThat(job(patient).state()).isEqualTo(JobState.QUEUED);
        assertThat(step(running, 7, 0, 1, 2)).isFalse();
        assertThat(later.expire()).isEmpty();
    }

    @Test
    void anExpiredOrCanceledJobIsNotBegunAgainAfterItsWorkerDied() {
        String canceled = running(1, 7);
        store.cancel(canceled);
        assertThat(claims.claim(canceled, 8)).isEmpty();
        assertThat(job(canceled).state()).isEqualTo(JobState.CANCELED);

        String expired = store.insert(
                        request(1),
                        COST,
                        new JobOptions(Priority.HIGH, Duration.ofSeconds(1)),
                        "someone",
                        Quota.NONE,
                        (id, tag) -> {})
                .id();
        ClaimStore later = new ClaimStore(rows(database, InstantSource.offset(clock, Duration.ofSeconds(2))));
        assertThat(later.claim(expired, 1)).isEmpty();
        assertThat(job(expired).failure()).extracting(Job.Failure::code).isEqualTo("expired");
    }

    @Test
    void aPictureWhoseCommitWasNotAcknowledgedIsRecordedOnce() {
        String id = running(2, 7);
        image(id, 7, 0, 42);
        image(id, 7, 0, 42);
        assertThat(job(id).images()).hasSize(1);
        assertThat(types(id)).filteredOn(JobEvent.Type.IMAGE::equals).hasSize(1);
    }

    @Test
    void aDeletedJobTakesItsPictureAlongUnlessAnotherHasTheSame() {
        String first = running(1, 7);
        image(first, 7, 0, 42);
        String second = running(1, 7);
        image(second, 7, 0, 42);
        String hash = job(first).images().get(0).hash();

        keeping.delete(first);
        keeping.deleteImages(Duration.ZERO);
        assertThat(store.find(first)).isEmpty();
        assertThat(store.eventsAfter(first, 0)).isEmpty();
        assertThat(files.holds(hash)).isTrue();
        keeping.delete(second);
        assertThat(files.holds(hash)).isTrue();
        keeping.deleteImages(Duration.ofMinutes(1));
        assertThat(files.holds(hash)).isTrue();
        keeping.deleteImages(Duration.ZERO);
        assertThat(files.holds(hash)).isFalse();
        keeping.delete(second);
    }

    @Test
    void onlyJobsThatEndedLongAgoAreDeleted() {
        String ended = running(1, 7);
        image(ended, 7, 0, 42);
        String running = running(1, 8);
        keeping.deleteEndedBefore(clock.instant().minusSeconds(60));
        assertThat(store.find(ended)).isPresent();
        keeping.deleteEndedBefore(clock.instant().plusSeconds(60));
        assertThat(store.find(ended)).isEmpty();
        assertThat(store.find(running)).isPresent();
    }

    @Test
    void aPictureThatIsDrawnAgainIsNotDeletedAsAnEarlierJobs() {
        String first = running(1, 7);
        image(first, 7, 0, 42);
        keeping.delete(first);
        String second = running(1, 7);
        Claim worker = claim(job(second), 7);
        Claims all = new Claims(claims, files, clock);
        String hash = all.store(worker, PNG);
        keeping.deleteImages(Duration.ZERO);
        assertThat(files.holds(hash)).as("kept since it was stored").isTrue();

        String third = running(1, 7);
        image(third, 7, 0, 42);
        keeping.delete(third);
        all.write(List.of(worker.drawn(0, 42, PNG, hash, new Stages())));
        keeping.deleteImages(Duration.ZERO);
        assertThat(files.holds(hash)).as("kept by the row that names it").isTrue();
    }

    @Test
    void aPictureWhoseFileIsBeingDeletedIsStoredAgainAfterwards() throws Exception {
        String first = running(1, 7);
        image(first, 7, 0, 42);
        String second = running(1, 7);
        Claim worker = claim(job(second), 7);
        Claims all = new Claims(claims, files, clock);
        String hash = all.store(worker, PNG);
        keeping.delete(first);
        sql.sql("update image_deletion set begun = true").update();
        ExecutorService recorder = Executors.newSingleThreadExecutor();
        try {
            Future<?> written = recorder.submit(() -> all.write(List.of(worker.drawn(0, 42, PNG, hash, new Stages()))));
            assertThatThrownBy(() -> written.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            files.delete(hash);
            sql.sql("delete from image_deletion").update();
            written.get();
        } finally {
            recorder.shutdownNow();
        }
        assertThat(job(second).state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(files.holds(hash)).isTrue();
    }

    @Test
    void aDeletionThatWasNotEndedIsDoneAgain() {
        String first = running(1, 7);
        image(first, 7, 0, 42);
        String hash = job(first).images().get(0).hash();
        keeping.delete(first);
        sql.sql("update image_deletion set begun = true").update();
        keeping.deleteImages(Duration.ZERO);
        assertThat(files.holds(hash)).as("by another process, perhaps").isTrue();
        keeping(InstantSource.offset(clock, Duration.ofMinutes(2))).deleteImages(Duration.ZERO);
        assertThat(files.holds(hash)).isFalse();
        assertThat(sql.sql("select count(*) from image_deletion")
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @Test
    void aPictureThatCannotBeDeletedKeepsNoOtherFromBeingDeleted() {
        List<String> ids = new ArrayList<>();
        for (byte i = 0; i < 3; i++) {
            byte[] png = {1, 2, i};
            String id = running(1, 7);
            String hash = files.write(png);
            write(id, 7, worker -> worker.drawn(0, 42, png, hash, new Stages()));
            ids.add(id);
        }
        String stuck = job(ids.get(1)).images().get(0).hash();
        List<String> deleted = new ArrayList<>();
        ImageStore failing = new ImageStore() {
            @Override
            public String write(byte[] png) {
                return files.write(png);
            }

            @Override
            public boolean holds(String hash) {
                return files.holds(hash);
            }

            @Override
            public byte[] read(String hash) {
                return files.read(hash);
            }

            @Override
            public void delete(String hash) {
                if (hash.equals(stuck)) {
                    throw new ImageStoreUnavailable("no", null);
                }
                deleted.add(hash);
            }
        };
        JobKeeping others = new JobKeeping(rows(database, clock), failing);
        others.deleteEndedBefore(clock.instant().plusSeconds(1));
        assertThat(ids).allSatisfy(id -> assertThat(store.find(id)).isEmpty());
        others.deleteImages(Duration.ZERO);
        assertThat(deleted).hasSize(2).doesNotContain(stuck);
    }

    /** Each has the same picture as the one before, so one's file is the other's. */
    @Test
    void aPictureIsNeverNamedWithoutItsFileWhileOthersAreDeleted() throws Exception {
        ScheduledExecutorService deleter = Executors.newScheduledThreadPool(1);
        deleter.scheduleWithFixedDelay(() -> keeping.deleteImages(Duration.ofMillis(500)), 0, 1, TimeUnit.MILLISECONDS);
        Claims all = new Claims(claims, files, clock);
        try {
            for (int round = 0; round < 100; round++) {
                String next = running(1, 7);
                Claim worker = claim(job(next), 7);
                String hash = all.store(worker, PNG);
                all.write(List.of(worker.drawn(0, 42, PNG, hash, new Stages())));
                assertThat(job(next).state()).isEqualTo(JobState.SUCCEEDED);
                assertThat(files.holds(hash)).isTrue();
                keeping.delete(next);
                if (round % 20 == 19) {
                    await().atMost(Duration.ofSeconds(20)).until(() -> !files.holds(hash));
                }
            }
        } finally {
            deleter.shutdownNow();
        }
    }

    @Test
    void theStepsAndPreviewsOfAnEndedJobAreForgottenAndNothingElse() {
        String ended = running(1, 7);
        write(ended, 7, worker -> worker.step(0, 1, 2, new byte[] {7}));
        image(ended, 7, 0, 42);
        String going = running(1, 7);
        step(going, 7, 0, 1, 2);
        keeping.forgetStepsOfJobsEnded(
                clock.instant().minusSeconds(60), clock.instant().minusSeconds(30));
        assertThat(types(ended)).contains(JobEvent.Type.STEP);
        assertThat(store.eventsAfter(ended, 2).get(0).data())
                .isEqualTo(
                        "{\"image\":0,\"step\":1,\"steps\":2,\"preview\":{\"content_type\":\"image/jpeg\",\"data\":\"Bw==\"}}");
        keeping.forgetStepsOfJobsEnded(
                clock.instant().minusSeconds(60), clock.instant().plusSeconds(1));
        assertThat(types(ended))
                .containsExactly(
                        JobEvent.Type.QUEUED, JobEvent.Type.STARTED, JobEvent.Type.IMAGE, JobEvent.Type.SUCCEEDED);
        assertThat(types(going)).contains(JobEvent.Type.STEP);
        assertThat(sql.sql("select count(*) from job_preview")
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @Test
    void whatWasCommittedWithoutBeingAcknowledgedIsNotWrittenTwice() {
        String id = running(2, 7);
        Claim worker = claim(job(id), 7);
        List<Entry> entries = List.of(worker.step(0, 1, 2, null), worker.step(1, 1, 2, null));
        assertThat(claims.write(entries, false)).isEmpty();
        Job before = job(id);
        assertThat(claims.write(entries, true)).isEmpty();
        assertThat(job(id)).isEqualTo(before);
        assertThat(job(id).step()).isEqualTo(2);
        assertThat(claims.write(List.of(worker.failed(FailureCode.DRAWING_FAILED, "no")), false))
                .isEmpty();
        assertThat(claims.write(List.of(worker.failed(FailureCode.DRAWING_FAILED, "no")), true))
                .as("ended by itself, not by another")
                .isEmpty();
    }

    @Test
    void manyJobsAreWrittenAtOnceAndThoseThatAreLostHoldUpNoOther() {
        List<Claim> workers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            workers.add(claim(job(running(1, 7)), 7));
        }
        claims.claim(workers.get(1).jobId(), 8);
        List<Entry> entries = new ArrayList<>();
        for (int step = 1; step <= 2; step++) {
            for (Claim worker : workers) {
                entries.add(worker.step(0, step, 2, null));
            }
        }
        assertThat(claims.write(entries, false)).containsExactly(workers.get(1));
        assertThat(workers).extracting(worker -> job(worker.jobId()).step()).containsExactly(2, 0, 2);
        assertThat(store.eventsAfter(workers.get(2).jobId(), 2))
                .extracting(JobEvent::sequence, JobEvent::data)
                .containsExactly(
                        tuple(3L, "{\"image\":0,\"step\":1,\"steps\":2}"),
                        tuple(4L, "{\"image\":0,\"step\":2,\"steps\":2}"));
    }

    @Test
    void aListenersTroubleIsNotThatOfTheWorkerWhoseEventItHears() {
        String id = running(1, 7);
        List<JobEvent.Type> heard = new ArrayList<>();
        Runnable bad = events.subscribe(id, type -> {
            throw new IllegalStateException("a listener's own trouble");
        });
        Runnable good = events.subscribe(id, heard::add);
        try {
            assertThat(step(id, 7, 0, 1, 2)).isTrue();
        } finally {
            bad.run();
            good.run();
        }
        assertThat(heard).containsExactly(JobEvent.Type.STEP);
    }

    /** A row of a later version, which knows more, and one that nobody can read. */
    @Test
    void rowsOfOtherVersionsAreReadAsFarAsPossible() {
        String later = insert(1).id();
        sql.sql(
                        "update job set spec = substring(spec, 1, char_length(spec) - 1) || ',\"loras\":[{\"id\":\"x\"}]}' where id = ?")
                .param(later)
                .update();
        assertThat(job(later).request()).isEqualTo(request(1));
        String unknown = insert(1).id();
        sql.sql("update job set spec = replace(spec, 'EULER', 'TELEPORT') where id = ?")
                .param(unknown)
                .update();
        assertThat(job(unknown).readable()).isEmpty();
        assertThatThrownBy(() -> job(unknown).request())
                .isInstanceOf(UnreadableRow.class)
                .hasMessageContaining(unknown);
        String damaged = insert(1).id();
        sql.sql("update job set spec = '{\"prompt' where id = ?").param(damaged).update();
        assertThat(store.list("someone", List.of(JobState.QUEUED), null, 10))
                .extracting(Job::id, job -> job.readable().isPresent())
                .containsExactlyInAnyOrder(tuple(later, true), tuple(unknown, false), tuple(damaged, false));
        store.cancel(damaged);
        assertThat(job(damaged).state()).isEqualTo(JobState.CANCELED);
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
                if (claims.cancelRequests().contains(id)) {
                    write(id, 7, Claim::canceled);
                } else {
                    image(id, 7, 0, 42);
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
        return insert(request(n), Priority.NORMAL, "someone");
    }

    String running(int n, long claim) {
        String id = insert(n).id();
        assertThat(claims.claim(id, claim)).isPresent();
        start(id, claim);
        return id;
    }

    Job job(String id) {
        return store.find(id).orElseThrow();
    }

    List<JobEvent.Type> types(String id) {
        return store.eventsAfter(id, 0).stream().map(JobEvent::type).toList();
    }

    Job insert(Request request, Priority priority, String caller) {
        return store.insert(
                request, Cost.of(request, false), new JobOptions(priority, null), caller, Quota.NONE, (id, tag) -> {});
    }

    static Request request(int n) {
        return request(n, 2);
    }

    static Request request(int n, int steps) {
        return Requests.of(
                "m",
                Map.of(
                        "prompt",
                        "a red apple",
                        "clip_skip",
                        1,
                        "width",
                        64,
                        "height",
                        64,
                        "steps",
                        steps,
                        "guidance_scale",
                        4,
                        "guidance_rescale",
                        0.7,
                        "seed",
                        42,
                        "n",
                        n,
                        "sigmas",
                        steps == 2 ? List.of(14.5, 0.1) : List.of()));
    }
}
