package dev.darkroom.worker;

import dev.darkroom.spec.Determinism;
import dev.darkroom.spec.ImageSpec;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which pictures are on a device, which of them are evaluated next, and which wait. Plain data for one thread.
 *
 * <p>Pictures of one model and size are a group. A group has at most so many rows on the device as one call takes, and at most
 * {@value #MAX_GROUPS} groups are there, so that others find their place when pictures end. Waiting pictures join in their order;
 * one may go ahead only of pictures whose group is full.
 *
 * <p>Calls take turns: each picture has an account of the time of all calls it took part in, and the one with the smallest is
 * evaluated next, together with those that share its call. A newcomer's account begins where the smallest is, after which it
 * comes: nobody who was there waits for it to catch up, and however many come, nobody starves.
 *
 * @param <J> the job a picture belongs to
 */
final class Batch<J> {
    private static final int MAX_GROUPS = 4;

    /** Picture {@code image} of a job; equal only to itself. */
    static final class Place<J> {
        final J job;
        final ImageSpec spec;
        final int image;
        private final Group group;
        private long account; // nanoseconds
        private long turn; // the number of its last call, or of its joining

        Place(J job, ImageSpec spec, int image) {
            this.job = job;
            this.spec = spec;
            this.image = image;
            this.group = new Group(spec.model(), spec.width(), spec.height());
        }

        /** U-Net evaluations a step takes: classifier-free guidance asks twice. */
        int rows() {
            return Batch.rows(spec, 1);
        }

        private boolean isShared() {
            return spec.determinism() == Determinism.FAST;
        }
    }

    private record Group(String model, int width, int height) {}

    private final int maxRows;
    private final Map<Group, Integer> learntRows = new HashMap<>();
    private final Deque<Place<J>> waiting = new ArrayDeque<>();
    private final List<Place<J>> stepping = new ArrayList<>();
    private final Deque<Place<J>> stepped = new ArrayDeque<>();
    private long turns;

    /** @param maxRows so many rows share one call; a single picture that needs more is evaluated alone */
    Batch(int maxRows) {
        this.maxRows = maxRows;
    }

    /** U-Net evaluations a step of so many pictures takes. */
    static int rows(ImageSpec spec, int pictures) {
        return spec.guidanceScale() > 1 ? 2 * pictures : pictures;
    }

    void add(J job, ImageSpec spec, int image) {
        waiting.add(new Place<>(job, spec, image));
    }

    /** Moves the next picture that may join from waiting to the device. */
    @Nullable
    Place<J> admit() {
        Set<Group> full = new HashSet<>();
        for (Place<J> next : waiting) {
            int rows = rows(next.group);
            if (rows == 0 && groups() == MAX_GROUPS) {
                return null;
            }
            if (rows > 0 && rows + next.rows() > maxRows(next.group)) {
                full.add(next.group);
            }
            if (!full.contains(next.group)) {
                waiting.remove(next);
                next.account = stepping.stream()
                        .mapToLong(place -> place.account)
                        .min()
                        .orElse(0);
                next.turn = turns++;
                stepping.add(next);
                return next;
            }
        }
        return null;
    }

    private long groups() {
        return stepping.stream().map(place -> place.group).distinct().count();
    }

    private int rows(Group group) {
        return stepping.stream()
                .filter(place -> place.group.equals(group))
                .mapToInt(Place::rows)
                .sum();
    }

    private int maxRows(Group group) {
        return Math.min(maxRows, learntRows.getOrDefault(group, maxRows));
    }

    /** The pictures of the next call, of one group; empty if none is on its way. */
    List<Place<J>> next() {
        List<Place<J>> inTurn = stepping.stream()
                .sorted(Comparator.<Place<J>>comparingLong(place -> place.account)
                        .thenComparingLong(place -> place.turn))
                .toList();
        List<Place<J>> call = new ArrayList<>();
        int rows = 0;
        for (Place<J> place : inTurn) {
            boolean joins = call.isEmpty()
                    || call.get(0).isShared()
                            && place.isShared()
                            && place.group.equals(call.get(0).group)
                            && rows + place.rows() <= maxRows(place.group);
            if (joins) {
                call.add(place);
                rows += place.rows();
            }
        }
        return call;
    }

    /** These pictures have been evaluated. */
    void charge(List<Place<J>> call, Duration time) {
        for (Place<J> place : call) {
            place.account += time.toNanos();
            place.turn = turns++;
        }
    }

    /**
     * These pictures did not fit into memory together: from now on half of their rows are the most of their group.
     *
     * @return false if there is only one, which cannot be halved. That one was to blame then, and what was learnt of its group is
     *     forgotten.
     */
    boolean halve(List<Place<J>> call) {
        if (call.size() == 1) {
            learntRows.remove(call.get(0).group);
            return false;
        }
        int rows = call.stream().mapToInt(Place::rows).sum();
        learntRows.merge(call.get(0).group, Math.max(1, rows / 2), Math::min);
        return true;
    }

    /** The picture has taken its last step: it gives its rows free and waits to be decoded. */
    void stepped(Place<J> place) {
        if (stepping.remove(place)) {
            stepped.add(place);
        }
    }

    /** The picture that has waited longest to be decoded; it is done with then. */
    @Nullable
    Place<J> pollStepped() {
        return stepped.poll();
    }

    /** The job leaves with all its pictures. */
    void remove(J job) {
        waiting.removeIf(place -> place.job.equals(job));
        stepping.removeIf(place -> place.job.equals(job));
        stepped.removeIf(place -> place.job.equals(job));
    }

    /** Rows of all pictures that are not yet decoded. */
    int rows() {
        return rows(waiting) + rows(stepping) + rows(stepped);
    }

    private static int rows(Iterable<? extends Place<?>> places) {
        int rows = 0;
        for (Place<?> place : places) {
            rows += place.rows();
        }
        return rows;
    }
}
