package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.worker.Batch.Readiness;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class BatchTests {
    private final Batch<Photo> batch = new Batch<>(4);
    private Function<Photo, Readiness> ready = photo -> Readiness.READY;

    @Test
    void aGuidedPictureTakesTwoRowsAndAnUnguidedOneTakesOne() {
        batch.add(fast("guided", 0, "m", 64, 7.5));
        batch.add(fast("unguided", 0, "m", 64, 1));
        batch.add(fast("unguided", 1, "m", 64, 1));
        batch.add(fast("unguided", 2, "m", 64, 1));
        assertThat(admitted()).containsExactly("guided 0", "unguided 0", "unguided 1");
        assertThat(next()).containsExactly("guided 0", "unguided 0", "unguided 1");
        assertThat(batch.rows()).isEqualTo(5);
    }

    @Test
    void aPictureJoinsAsSoonAsAnotherHasTakenItsLastStep() {
        for (int i = 0; i < 3; i++) {
            batch.add(fast("job", i, "m", 64, 7.5));
        }
        assertThat(admitted()).containsExactly("job 0", "job 1");
        assertThat(admitted()).isEmpty();
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).containsExactly("job 2");
        assertThat(next()).containsExactly("job 1", "job 2");
        assertThat(name(batch.pollStepped())).isEqualTo("job 0");
        assertThat(batch.pollStepped()).isNull();
    }

    @Test
    void anExactPictureIsEvaluatedAlone() {
        batch.add(exact("a", 0, "m", 64));
        batch.add(fast("b", 0, "m", 64, 1));
        batch.add(exact("c", 0, "m", 64));
        batch.add(fast("d", 0, "m", 64, 1));
        admitted();
        assertThat(calls(3, Duration.ofMillis(1))).containsExactly("[a 0]", "[b 0, d 0]", "[c 0]");
    }

    @Test
    void anotherSizeOrModelHasCallsOfItsOwnInTurn() {
        batch.add(fast("first", 0, "m", 64, 1));
        batch.add(fast("larger", 0, "m", 128, 1));
        batch.add(fast("other", 0, "other", 128, 1));
        batch.add(fast("first", 1, "m", 64, 1));
        assertThat(admitted()).containsExactly("first 0", "larger 0", "other 0", "first 1");
        assertThat(calls(6, Duration.ofMillis(1)))
                .containsExactly(
                        "[first 0, first 1]",
                        "[larger 0]",
                        "[other 0]",
                        "[first 0, first 1]",
                        "[larger 0]",
                        "[other 0]");
    }

    @Test
    void deviceTimeIsSharedEquallyNotCalls() {
        batch.add(exact("quick", 0, "m", 64));
        batch.add(exact("slow", 0, "m", 512));
        admitted();
        Map<String, Integer> calls = new HashMap<>();
        for (int i = 0; i < 110; i++) {
            List<Photo> call = batch.next();
            boolean slow = call.get(0).key().width() == 512;
            calls.merge(call.get(0).job, 1, Integer::sum);
            batch.charge(call, Duration.ofMillis(slow ? 100 : 10));
        }
        assertThat(calls).isEqualTo(Map.of("quick", 100, "slow", 10));
    }

    @Test
    void aNewcomerIsSecondInTurnAndNobodyWaitsForItToCatchUp() {
        batch.add(exact("old", 0, "m", 64));
        batch.add(exact("old", 1, "m", 64));
        admitted();
        calls(101, Duration.ofSeconds(1));
        batch.add(exact("new", 0, "m", 128));
        admitted();
        assertThat(calls(2, Duration.ofSeconds(1))).containsExactly("[old 1]", "[new 0]");
        assertThat(calls(6, Duration.ofSeconds(1)))
                .filteredOn("[new 0]"::equals)
                .hasSize(2);
    }

    @Test
    void aPictureGoesAheadOnlyOfThoseWhoseGroupIsFull() {
        for (int i = 0; i < 3; i++) {
            batch.add(fast("first", i, "m", 64, 7.5));
        }
        batch.add(fast("fitting", 0, "m", 64, 1));
        batch.add(fast("larger", 0, "m", 128, 1));
        assertThat(admitted()).containsExactly("first 0", "first 1", "larger 0");
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).containsExactly("first 2");
    }

    @Test
    void aFifthGroupIsNotOvertakenByThoseThatAreThere() {
        for (int size = 64; size <= 512; size += 64) {
            batch.add(fast("job", size, "m", size, 1));
        }
        batch.add(fast("late", 64, "m", 64, 1));
        assertThat(admitted()).containsExactly("job 64", "job 128", "job 192", "job 256");
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).containsExactly("job 320");
    }

    @Test
    void aPictureThatNeedsMoreRowsThanThereAreIsDrawnAlone() {
        Batch<Photo> single = new Batch<>(1);
        single.add(fast("a", 0, "m", 64, 7.5));
        single.add(fast("b", 0, "m", 64, 7.5));
        assertThat(name(single.admit(ready))).isEqualTo("a 0");
        assertThat(single.admit(ready)).isNull();
        assertThat(single.next()).hasSize(1);
    }

    @Test
    void whatDidNotFitIsHalvedAndTheLimitIsLearntForItsGroup() {
        for (int i = 0; i < 4; i++) {
            batch.add(fast("job", i, "m", 64, 1));
            batch.add(fast("small", i, "m", 32, 1));
        }
        admitted();
        List<Photo> call = batch.next();
        assertThat(call).hasSize(4);
        assertThat(batch.halve(call)).isTrue();
        assertThat(next()).containsExactly("job 0", "job 1");
        assertThat(batch.halve(batch.next())).isTrue();
        assertThat(calls(5, Duration.ofMillis(1)))
                .containsExactly("[job 0]", "[small 0, small 1, small 2, small 3]", "[job 1]", "[job 2]", "[job 3]");
        batch.remove(photo -> photo.job.equals("job"));
        batch.add(fast("next", 0, "m", 64, 1));
        batch.add(fast("next", 1, "m", 64, 1));
        assertThat(admitted()).containsExactly("next 0");
    }

    @Test
    void aPictureThatDoesNotFitAloneIsToBlameForWhatWasLearnt() {
        for (int i = 0; i < 4; i++) {
            batch.add(fast("job", i, "m", 64, 1));
        }
        admitted();
        batch.halve(batch.next());
        batch.halve(batch.next());
        assertThat(next()).containsExactly("job 0");
        assertThat(batch.halve(batch.next())).isFalse();
        assertThat(next()).hasSize(4);
    }

    @Test
    void picturesGoAheadOfThoseWhoseModelIsBeingLoaded() {
        ready = photo -> photo.key().model().equals("new") ? Readiness.LOADING : Readiness.READY;
        batch.add(fast("waiting", 0, "new", 64, 1));
        batch.add(fast("later", 0, "m", 64, 1));
        assertThat(admitted()).containsExactly("later 0");
        ready = photo -> Readiness.READY;
        batch.add(fast("last", 0, "m", 64, 1));
        assertThat(admitted()).containsExactly("waiting 0", "last 0");
    }

    @Test
    void nobodyGoesAheadOfAPictureWhoseModelWantsRoom() {
        ready = photo ->
                photo.key().model().equals("new") && !batch.models().isEmpty() ? Readiness.WANTS_ROOM : Readiness.READY;
        batch.add(fast("first", 0, "m", 64, 1));
        batch.add(fast("waiting", 0, "new", 64, 1));
        batch.add(fast("later", 0, "m", 64, 1));
        assertThat(admitted()).containsExactly("first 0");
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).as("its picture is still to be decoded").isEmpty();
        batch.pollStepped();
        assertThat(admitted()).containsExactly("waiting 0", "later 0");
    }

    @Test
    void aRemovedJobTakesAllItsPicturesAlong() {
        for (int i = 0; i < 4; i++) {
            batch.add(fast("canceled", i, "m", 64, 7.5));
        }
        batch.add(fast("next", 0, "m", 64, 7.5));
        admitted();
        batch.stepped(batch.next().get(0));
        batch.remove(photo -> photo.job.equals("canceled"));
        assertThat(batch.pollStepped()).isNull();
        assertThat(admitted()).containsExactly("next 0");
        assertThat(batch.rows()).isEqualTo(2);
        batch.remove(photo -> photo.job.equals("next"));
        assertThat(batch.next()).isEmpty();
        assertThat(batch.rows()).isZero();
    }

    private List<String> admitted() {
        List<String> admitted = new ArrayList<>();
        for (Photo place = batch.admit(ready); place != null; place = batch.admit(ready)) {
            admitted.add(name(place));
        }
        return admitted;
    }

    private List<String> next() {
        return batch.next().stream().map(BatchTests::name).toList();
    }

    private List<String> calls(int n, Duration each) {
        List<String> calls = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            calls.add(next().toString());
            batch.charge(batch.next(), each);
        }
        return calls;
    }

    private static String name(Photo place) {
        return place.job + " " + place.image;
    }

    private static Photo fast(String job, int image, String model, int size, double guidance) {
        return new Photo(job, image, new Batch.Key(model, size, size), guidance > 1 ? 2 : 1, false);
    }

    private static Photo exact(String job, int image, String model, int size) {
        return new Photo(job, image, new Batch.Key(model, size, size), 1, true);
    }

    private static final class Photo extends Batch.Member {
        final String job;
        final int image;
        private final Batch.Key key;
        private final int rows;
        private final boolean alone;

        Photo(String job, int image, Batch.Key key, int rows, boolean alone) {
            this.job = job;
            this.image = image;
            this.key = key;
            this.rows = rows;
            this.alone = alone;
        }

        @Override
        Batch.Key key() {
            return key;
        }

        @Override
        int rows() {
            return rows;
        }

        @Override
        boolean alone() {
            return alone;
        }
    }
}
