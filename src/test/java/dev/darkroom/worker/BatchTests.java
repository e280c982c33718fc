package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.Output;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import dev.darkroom.worker.Batch.Place;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BatchTests {
    private final Batch<String> batch = new Batch<>(4);

    @Test
    void aGuidedPictureTakesTwoRowsAndAnUnguidedOneTakesOne() {
        batch.add("guided", fast("m", 64, 7.5), 0);
        batch.add("unguided", fast("m", 64, 1), 0);
        batch.add("unguided", fast("m", 64, 1), 1);
        batch.add("unguided", fast("m", 64, 1), 2);
        assertThat(admitted()).containsExactly("guided 0", "unguided 0", "unguided 1");
        assertThat(next()).containsExactly("guided 0", "unguided 0", "unguided 1");
        assertThat(batch.rows()).isEqualTo(5);
    }

    @Test
    void aPictureJoinsAsSoonAsAnotherHasTakenItsLastStep() {
        for (int i = 0; i < 3; i++) {
            batch.add("job", fast("m", 64, 7.5), i);
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
        batch.add("a", exact("m", 64), 0);
        batch.add("b", fast("m", 64, 1), 0);
        batch.add("c", exact("m", 64), 0);
        batch.add("d", fast("m", 64, 1), 0);
        admitted();
        assertThat(calls(3, Duration.ofMillis(1))).containsExactly("[a 0]", "[b 0, d 0]", "[c 0]");
    }

    @Test
    void anotherSizeOrModelHasCallsOfItsOwnInTurn() {
        batch.add("first", fast("m", 64, 1), 0);
        batch.add("larger", fast("m", 128, 1), 0);
        batch.add("other", fast("other", 128, 1), 0);
        batch.add("first", fast("m", 64, 1), 1);
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
        batch.add("quick", exact("m", 64), 0);
        batch.add("slow", exact("m", 512), 0);
        admitted();
        Map<String, Integer> calls = new HashMap<>();
        for (int i = 0; i < 110; i++) {
            List<Place<String>> call = batch.next();
            boolean slow = call.get(0).spec.width() == 512;
            calls.merge(call.get(0).job, 1, Integer::sum);
            batch.charge(call, Duration.ofMillis(slow ? 100 : 10));
        }
        assertThat(calls).isEqualTo(Map.of("quick", 100, "slow", 10));
    }

    @Test
    void aNewcomerIsSecondInTurnAndNobodyWaitsForItToCatchUp() {
        batch.add("old", exact("m", 64), 0);
        batch.add("old", exact("m", 64), 1);
        admitted();
        calls(101, Duration.ofSeconds(1));
        batch.add("new", exact("m", 128), 0);
        admitted();
        assertThat(calls(2, Duration.ofSeconds(1))).containsExactly("[old 1]", "[new 0]");
        assertThat(calls(6, Duration.ofSeconds(1)))
                .filteredOn("[new 0]"::equals)
                .hasSize(2);
    }

    @Test
    void aPictureGoesAheadOnlyOfThoseWhoseGroupIsFull() {
        for (int i = 0; i < 3; i++) {
            batch.add("first", fast("m", 64, 7.5), i);
        }
        batch.add("fitting", fast("m", 64, 1), 0);
        batch.add("larger", fast("m", 128, 1), 0);
        assertThat(admitted()).containsExactly("first 0", "first 1", "larger 0");
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).containsExactly("first 2");
    }

    @Test
    void aFifthGroupIsNotOvertakenByThoseThatAreThere() {
        for (int size = 64; size <= 512; size += 64) {
            batch.add("job", fast("m", size, 1), size);
        }
        batch.add("late", fast("m", 64, 1), 64);
        assertThat(admitted()).containsExactly("job 64", "job 128", "job 192", "job 256");
        batch.stepped(batch.next().get(0));
        assertThat(admitted()).containsExactly("job 320");
    }

    @Test
    void aPictureThatNeedsMoreRowsThanThereAreIsDrawnAlone() {
        Batch<String> single = new Batch<>(1);
        single.add("a", fast("m", 64, 7.5), 0);
        single.add("b", fast("m", 64, 7.5), 0);
        assertThat(name(single.admit())).isEqualTo("a 0");
        assertThat(single.admit()).isNull();
        assertThat(single.next()).hasSize(1);
    }

    @Test
    void whatDidNotFitIsHalvedAndTheLimitIsLearntForItsGroup() {
        for (int i = 0; i < 4; i++) {
            batch.add("job", fast("m", 64, 1), i);
            batch.add("small", fast("m", 32, 1), i);
        }
        admitted();
        List<Place<String>> call = batch.next();
        assertThat(call).hasSize(4);
        assertThat(batch.halve(call)).isTrue();
        assertThat(next()).containsExactly("job 0", "job 1");
        assertThat(batch.halve(batch.next())).isTrue();
        assertThat(calls(5, Duration.ofMillis(1)))
                .containsExactly("[job 0]", "[small 0, small 1, small 2, small 3]", "[job 1]", "[job 2]", "[job 3]");
        batch.remove("job");
        batch.add("next", fast("m", 64, 1), 0);
        batch.add("next", fast("m", 64, 1), 1);
        assertThat(admitted()).containsExactly("next 0");
    }

    @Test
    void aPictureThatDoesNotFitAloneIsToBlameForWhatWasLearnt() {
        for (int i = 0; i < 4; i++) {
            batch.add("job", fast("m", 64, 1), i);
        }
        admitted();
        batch.halve(batch.next());
        batch.halve(batch.next());
        assertThat(next()).containsExactly("job 0");
        assertThat(batch.halve(batch.next())).isFalse();
        assertThat(next()).hasSize(4);
    }

    @Test
    void aRemovedJobTakesAllItsPicturesAlong() {
        for (int i = 0; i < 4; i++) {
            batch.add("canceled", fast("m", 64, 7.5), i);
        }
        batch.add("next", fast("m", 64, 7.5), 0);
        admitted();
        batch.stepped(batch.next().get(0));
        batch.remove("canceled");
        assertThat(batch.pollStepped()).isNull();
        assertThat(admitted()).containsExactly("next 0");
        assertThat(batch.rows()).isEqualTo(2);
        batch.remove("next");
        assertThat(batch.next()).isEmpty();
        assertThat(batch.rows()).isZero();
    }

    private List<String> admitted() {
        List<String> admitted = new ArrayList<>();
        for (Place<String> place = batch.admit(); place != null; place = batch.admit()) {
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

    private static String name(Place<String> place) {
        return place.job + " " + place.image;
    }

    private static ImageSpec fast(String model, int size, double guidance) {
        return spec(model, size, guidance, Determinism.FAST);
    }

    private static ImageSpec exact(String model, int size) {
        return spec(model, size, 1, Determinism.EXACT);
    }

    private static ImageSpec spec(String model, int size, double guidance, Determinism determinism) {
        return new ImageSpec(
                model,
                "a red apple",
                "",
                0,
                size,
                size,
                20,
                guidance,
                0,
                0,
                1,
                SamplerKind.DDIM,
                SigmaSpacing.DEFAULT,
                List.of(),
                List.of(),
                determinism,
                0,
                Output.PNG);
    }
}
