package dev.darkroom.worker;

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
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which pictures are on a device, which of them are evaluated next, and which wait. Plain data for one thread.
 *
 * <p>Pictures of one model and size are a group. A group has at most so many rows on the device as one call takes, and at most
 * {@value #MAX_GROUPS} groups are there, so that others find their place when pictures end. Waiting pictures join in their order;
 * one may go ahead only of pictures whose group is full, or whose model is not ready.
 *
 * <p>Calls take turns: each picture has an account of the time of all calls it took part in, and the one with the smallest is
 * evaluated next, together with those that share its call. A newcomer's account begins where the smallest is, after which it
 * comes: nobody who was there waits for it to catch up, and however many come, nobody starves.
 *
 * @param <D> a picture; equal only to itself
 */
final class Batch<D extends Batch.Member> {
    private static final int MAX_GROUPS = 4;

    /** Pictures that can share a call. */
    record Key(String model, int width, int height) {}

    /** Whether a picture's model can be drawn with. */
    enum Readiness {
        READY,
        /** Others may go ahead meanwhile. */
        LOADING,
        /** It cannot be loaded before others have ended, so none may go ahead. */
        WANTS_ROOM
    }

    /** A picture, as far as a batch is concerned. */
    abstract static class Member {
        private long account; // nanoseconds
        private long turn; // the number of its last call, or of its joining

        abstract Key key();

        /** U-Net rows it has in a call. */
        abstract int rows();

        /** Whether its calls are not shared. */
        abstract boolean alone();
    }

    private final int maxRows;
    private final Map<Key, Integer> learntRows = new HashMap<>();
    private final Deque<D> waiting = new ArrayDeque<>();
    private final List<D> stepping = new ArrayList<>();
    private final Deque<D> stepped = new ArrayDeque<>();
    private long turns;

    /** @param maxRows so many rows share one call; a single picture that needs more is evaluated alone */
    Batch(int maxRows) {
        this.maxRows = maxRows;
    }

    void add(D picture) {
        waiting.add(picture);
    }

    /** Moves the next picture that may join from waiting to the device. */
    @Nullable
    D admit(Function<D, Readiness> readiness) {
        Set<Key> full = new HashSet<>();
        for (D next : waiting) {
            int rows = rows(next.key());
            if (rows == 0 && groups() == MAX_GROUPS) {
                return null;
            }
            if (rows > 0 && rows + next.rows() > maxRows(next.key())) {
                full.add(next.key());
            }
            if (full.contains(next.key())) {
                continue;
            }
            Readiness ready = readiness.apply(next);
            if (ready == Readiness.WANTS_ROOM) {
                return null;
            }
            if (ready == Readiness.READY) {
                join(next);
                return next;
            }
        }
        return null;
    }

    private void join(D next) {
        Member member = next;
        waiting.remove(next);
        member.account = stepping.stream()
                .mapToLong(picture -> ((Member) picture).account)
                .min()
                .orElse(0);
        member.turn = turns++;
        stepping.add(next);
    }

    private long groups() {
        return stepping.stream().map(Member::key).distinct().count();
    }

    private int rows(Key key) {
        return stepping.stream()
                .filter(picture -> picture.key().equals(key))
                .mapToInt(Member::rows)
                .sum();
    }

    private int maxRows(Key key) {
        return Math.min(maxRows, learntRows.getOrDefault(key, maxRows));
    }

    /** The pictures of the next call, of one group; empty if none is on its way. */
    List<D> next() {
        List<D> inTurn = stepping.stream()
                .sorted(Comparator.<D>comparingLong(picture -> ((Member) picture).account)
                        .thenComparingLong(picture -> ((Member) picture).turn))
                .toList();
        List<D> call = new ArrayList<>();
        int rows = 0;
        for (D picture : inTurn) {
            boolean joins = call.isEmpty()
                    || !call.get(0).alone()
                            && !picture.alone()
                            && picture.key().equals(call.get(0).key())
                            && rows + picture.rows() <= maxRows(picture.key());
            if (joins) {
                call.add(picture);
                rows += picture.rows();
            }
        }
        return call;
    }

    /** These pictures have been evaluated. */
    void charge(List<D> call, Duration time) {
        for (Member picture : call) {
            picture.account += time.toNanos();
            picture.turn = turns++;
        }
    }

    /**
     * These pictures did not fit into memory together: from now on half of their rows are the most of their group.
     *
     * @return false if there is only one, which cannot be halved. That one was to blame then, and what was learnt of its group is
     *     forgotten.
     */
    boolean halve(List<D> call) {
        Key key = call.get(0).key();
        if (call.size() == 1) {
            learntRows.remove(key);
            return false;
        }
        learntRows.merge(key, Math.max(1, rows(call.stream()) / 2), Math::min);
        return true;
    }

    /** The picture has taken its last step: it gives its rows free and waits to be decoded. */
    void stepped(D picture) {
        if (stepping.remove(picture)) {
            stepped.add(picture);
        }
    }

    /** The picture that has waited longest to be decoded; it is done with then. */
    @Nullable
    D pollStepped() {
        return stepped.poll();
    }

    /** These pictures leave, wherever they are. */
    List<D> remove(Predicate<D> leaving) {
        List<D> removed = all().filter(leaving).toList();
        waiting.removeIf(leaving);
        stepping.removeIf(leaving);
        stepped.removeIf(leaving);
        return removed;
    }

    boolean any(Predicate<D> wanted) {
        return all().anyMatch(wanted);
    }

    /** Whether nothing can be done before something joins. */
    boolean isIdle() {
        return stepping.isEmpty() && stepped.isEmpty();
    }

    /** Models of the pictures on the device. */
    Set<String> models() {
        return Stream.concat(stepping.stream(), stepped.stream())
                .map(picture -> picture.key().model)
                .collect(Collectors.toSet());
    }

    /** Rows of all pictures that are not yet decoded. */
    int rows() {
        return rows(all());
    }

    private Stream<D> all() {
        return Stream.of(waiting, stepping, stepped).flatMap(pictures -> pictures.stream());
    }

    private int rows(Stream<D> pictures) {
        return pictures.mapToInt(Member::rows).sum();
    }
}
