package dev.darkroom.worker;

import dev.darkroom.spec.ImageSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Which pictures are on the device and which wait for it. Plain data for one thread.
 *
 * <p>Pictures on the device share one U-Net call, so they have the same model and size. The order is strictly first
 * come, first served: a picture of another model or size waits until the device is empty, and what came after it waits
 * behind it, so nobody starves.
 *
 * @param <J> the job a picture belongs to
 */
final class Batch<J> {

    /** Picture {@code image} of a job. */
    record Place<J>(J job, ImageSpec spec, int image) {

        /** U-Net evaluations a step takes: classifier-free guidance asks twice. */
        int rows() {
            return spec.guidanceScale() > 1 ? 2 : 1;
        }

        boolean sharesCallsWith(Place<J> other) {
            return spec.model().equals(other.spec.model())
                    && spec.width() == other.spec.width()
                    && spec.height() == other.spec.height();
        }
    }

    private final int maxRows;
    private final Deque<Place<J>> waiting = new ArrayDeque<>();
    private final List<Place<J>> onDevice = new ArrayList<>();

    /** @param maxRows so many rows share one call; a single picture that needs more is drawn alone */
    Batch(int maxRows) {
        this.maxRows = maxRows;
    }

    void add(J job, ImageSpec spec, int image) {
        waiting.add(new Place<>(job, spec, image));
    }

    /** Moves the pictures that may join now from waiting to the device and returns them. */
    List<Place<J>> admit() {
        List<Place<J>> admitted = new ArrayList<>();
        while (!waiting.isEmpty() && mayJoin(waiting.element())) {
            Place<J> next = waiting.remove();
            onDevice.add(next);
            admitted.add(next);
        }
        return admitted;
    }

    private boolean mayJoin(Place<J> next) {
        return onDevice.isEmpty() || (rows() + next.rows() <= maxRows && next.sharesCallsWith(onDevice.get(0)));
    }

    List<Place<J>> onDevice() {
        return List.copyOf(onDevice);
    }

    int rows() {
        return onDevice.stream().mapToInt(Place::rows).sum();
    }

    /** The picture is done. */
    void retire(Place<J> place) {
        onDevice.remove(place);
    }

    /** The job leaves with all its pictures. */
    void remove(J job) {
        onDevice.removeIf(place -> place.job.equals(job));
        waiting.removeIf(place -> place.job.equals(job));
    }

    boolean isEmpty() {
        return onDevice.isEmpty() && waiting.isEmpty();
    }
}
