package dev.darkroom.job;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * So many of something that callers share. Callers take turns, however many requests each of them has waiting; the requests of
 * one are served in order.
 */
final class Turns {

    private final Map<String, Deque<CompletableFuture<Void>>> waiting = new LinkedHashMap<>();
    private int free;

    Turns(int free) {
        this.free = free;
    }

    /**
     * Waits for one.
     *
     * @param patience nanoseconds to wait from now on, asked again when they are over; none or fewer to give up
     * @return whether there is one now, to be given back
     */
    boolean take(String caller, LongSupplier patience) throws InterruptedException {
        CompletableFuture<Void> turn = new CompletableFuture<>();
        synchronized (this) {
            if (free > 0) { // so nobody waits
                free--;
                return true;
            }
            waiting.computeIfAbsent(caller, first -> new ArrayDeque<>()).add(turn);
        }
        try {
            for (long left = patience.getAsLong(); left > 0; left = patience.getAsLong()) {
                try {
                    turn.get(left, TimeUnit.NANOSECONDS);
                    return true;
                } catch (TimeoutException e) {
                    // Asks again.
                }
            }
        } catch (InterruptedException e) {
            if (!leave(caller, turn)) {
                give();
            }
            throw e;
        } catch (ExecutionException e) {
            throw new IllegalStateException("nobody completes a turn so", e);
        }
        return !leave(caller, turn);
    }

    /** Gives one back. */
    synchronized void give() {
        Iterator<Map.Entry<String, Deque<CompletableFuture<Void>>>> callers =
                waiting.entrySet().iterator();
        if (!callers.hasNext()) {
            free++;
            return;
        }
        Map.Entry<String, Deque<CompletableFuture<Void>>> next = callers.next();
        String caller = next.getKey();
        Deque<CompletableFuture<Void>> turns = next.getValue();
        callers.remove();
        turns.remove().complete(null);
        if (!turns.isEmpty()) {
            waiting.put(caller, turns); // behind the others
        }
    }

    /** @return whether it still waited */
    private synchronized boolean leave(String caller, CompletableFuture<Void> turn) {
        Deque<CompletableFuture<Void>> turns = waiting.get(caller);
        if (turns == null || !turns.removeIf(other -> other == turn)) {
            return false;
        }
        if (turns.isEmpty()) {
            waiting.remove(caller);
        }
        return true;
    }
}
