package dev.darkroom.job;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * The pool of database connections, of which callers never have all. A quarter is kept back for the queue and the workers; of the
 * rest, requests that change something have a third, so reading goes on while they wait for each other's locks. Callers take
 * turns, and they wait for as long as the database serves others: only where it serves nobody is it away. Who is a caller,
 * the thread says: {@link #reading}, {@link #writing}.
 */
public final class SharedConnections extends DelegatingDataSource {

    /** Longer waits than this end, whatever happens to others. */
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private static final ThreadLocal<Work> CURRENT = ThreadLocal.withInitial(() -> new Work(Kind.OWN, ""));

    private enum Kind {
        OWN,
        READING,
        WRITING,
        /** Has a connection; a second one is given at once, since waiting for it could be waiting for oneself. */
        SERVED
    }

    private record Work(Kind kind, String caller) {}

    /** Something done for a caller. */
    @FunctionalInterface
    public interface Task<E1 extends Exception, E2 extends Exception> {
        void run() throws E1, E2;
    }

    private final Turns callers;
    private final Turns writers;
    private final long patience;
    private volatile long lastServed;

    /**
     * @param size connections of the pool
     * @param patience milliseconds in which nobody is served until the database is taken to be away, as the pool itself does
     */
    SharedConnections(DataSource pool, int size, long patience) {
        super(pool);
        this.callers = new Turns(Math.max(1, size * 3 / 4));
        this.writers = new Turns(Math.max(1, size / 4));
        this.patience = TimeUnit.MILLISECONDS.toNanos(patience);
        this.lastServed = System.nanoTime() - this.patience;
    }

    /**
     * Runs this with connections as they are given to a caller who only looks.
     *
     * @param caller callers take turns by these names
     */
    public static <E1 extends Exception, E2 extends Exception> void reading(String caller, Task<E1, E2> task)
            throws E1, E2 {
        as(new Work(Kind.READING, caller), task);
    }

    /**
     * Runs this with connections as they are given to a caller who changes something.
     *
     * @param caller callers take turns by these names
     */
    public static <E1 extends Exception, E2 extends Exception> void writing(String caller, Task<E1, E2> task)
            throws E1, E2 {
        as(new Work(Kind.WRITING, caller), task);
    }

    /** Whom this thread works for, to go on in another one; empty if for nobody. */
    public static String caller() {
        return CURRENT.get().caller;
    }

    private static <E1 extends Exception, E2 extends Exception> void as(Work work, Task<E1, E2> task) throws E1, E2 {
        Work before = CURRENT.get();
        CURRENT.set(work);
        try {
            task.run();
        } finally {
            CURRENT.set(before);
        }
    }

    @Override
    public Connection getConnection() throws SQLException {
        Work work = CURRENT.get();
        long asked = System.nanoTime();
        if (work.kind == Kind.OWN || work.kind == Kind.SERVED) {
            return pooled(asked);
        }
        Turns first = work.kind == Kind.WRITING ? writers : null;
        take(first, work.caller, asked);
        boolean taken = false;
        try {
            take(callers, work.caller, asked);
            taken = true;
            Connection connection = pooled(asked);
            CURRENT.set(new Work(Kind.SERVED, work.caller));
            return returning(connection, () -> {
                CURRENT.set(work);
                give(callers);
                give(first);
            });
        } catch (SQLException | RuntimeException e) {
            give(taken ? callers : null);
            give(first);
            throw e;
        }
    }

    private Connection pooled(long asked) throws SQLException {
        while (true) {
            try {
                Connection connection = super.getConnection();
                lastServed = System.nanoTime();
                return connection;
            } catch (SQLTransientConnectionException e) {
                if (left(asked) <= 0) {
                    throw e;
                }
                // The pool was only busy.
            }
        }
    }

    /** Nanoseconds that who asked then still waits, unless somebody is served meanwhile. */
    private long left(long asked) {
        long now = System.nanoTime();
        return Math.min(patience - Math.min(now - asked, now - lastServed), LONGEST.toNanos() - (now - asked));
    }

    private void take(@Nullable Turns turns, String caller, long asked) throws SQLException {
        try {
            if (turns != null && !turns.take(caller, () -> left(asked))) {
                throw new SQLTransientConnectionException("no caller was given a connection for a while");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("interrupted while waiting for a connection", e);
        }
    }

    private static void give(@Nullable Turns turns) {
        if (turns != null) {
            turns.give();
        }
    }

    /** The connection, which does this once when it is closed. */
    private static Connection returning(Connection connection, Runnable end) {
        AtomicBoolean ended = new AtomicBoolean();
        return (Connection) Proxy.newProxyInstance(
                SharedConnections.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    try {
                        return method.invoke(connection, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    } finally {
                        if (method.getName().equals("close") && ended.compareAndSet(false, true)) {
                            end.run();
                        }
                    }
                });
    }
}
