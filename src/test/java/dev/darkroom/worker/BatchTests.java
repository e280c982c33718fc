package dev.darkroom.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.Output;
import dev.darkroom.spec.SamplerKind;
import dev.darkroom.spec.SigmaSpacing;
import dev.darkroom.worker.Batch.Place;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTests {

    private final Batch<String> batch = new Batch<>(4);

    @Test
    void aGuidedPictureTakesTwoRowsAndAnUnguidedOneTakesOne() {
        batch.add("guided", spec("m", 64, 7.5), 0);
        batch.add("unguided", spec("m", 64, 1), 0);
        batch.add("unguided", spec("m", 64, 1), 1);
        batch.add("unguided", spec("m", 64, 1), 2);
        assertThat(admitted()).containsExactly("guided 0", "unguided 0", "unguided 1");
        assertThat(batch.rows()).isEqualTo(4);
    }

    @Test
    void aPictureJoinsAsSoonAsAnotherHasLeft() {
        for (int i = 0; i < 3; i++) {
            batch.add("job", spec("m", 64, 7.5), i);
        }
        assertThat(admitted()).containsExactly("job 0", "job 1");
        assertThat(admitted()).isEmpty();
        batch.retire(batch.onDevice().get(0));
        assertThat(admitted()).containsExactly("job 2");
    }

    @Test
    void anotherSizeOrModelWaitsUntilTheDeviceIsEmpty() {
        batch.add("first", spec("m", 64, 1), 0);
        batch.add("larger", spec("m", 128, 1), 0);
        batch.add("other", spec("other", 128, 1), 0);
        assertThat(admitted()).containsExactly("first 0");
        batch.retire(batch.onDevice().get(0));
        assertThat(admitted()).containsExactly("larger 0");
        batch.retire(batch.onDevice().get(0));
        assertThat(admitted()).containsExactly("other 0");
    }

    @Test
    void nobodyOvertakesAPictureThatWaits() {
        batch.add("first", spec("m", 64, 1), 0);
        batch.add("larger", spec("m", 128, 1), 0);
        batch.add("fitting", spec("m", 64, 1), 0);
        assertThat(admitted()).containsExactly("first 0");
    }

    @Test
    void aPictureThatNeedsMoreRowsThanThereAreIsDrawnAlone() {
        Batch<String> single = new Batch<>(1);
        single.add("a", spec("m", 64, 7.5), 0);
        single.add("b", spec("m", 64, 7.5), 0);
        assertThat(single.admit()).hasSize(1);
    }

    @Test
    void aRemovedJobTakesAllItsPicturesAlong() {
        for (int i = 0; i < 4; i++) {
            batch.add("canceled", spec("m", 64, 7.5), i);
        }
        batch.add("next", spec("m", 64, 7.5), 0);
        batch.admit();
        batch.remove("canceled");
        assertThat(admitted()).containsExactly("next 0");
        assertThat(batch.onDevice()).hasSize(1);
        batch.remove("next");
        assertThat(batch.onDevice()).isEmpty();
        assertThat(batch.rows()).isZero();
    }

    private List<String> admitted() {
        return batch.admit().stream()
                .map((Place<String> place) -> place.job() + " " + place.image())
                .toList();
    }

    private static ImageSpec spec(String model, int size, double guidance) {
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
                Output.PNG);
    }
}
