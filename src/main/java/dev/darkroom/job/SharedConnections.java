package dev.darkroom.job;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * The pool of database connections, of which callers never have all. A quarter is kept back for the queue and the workers; of the
 * rest, requests that change something have a third, so reading goes on while they wait for each other's locks. Who is
 * a caller, the thread says: {@link #reading}, {@link #writing}.
 */
public final class SharedConnections extends DelegatingDataSource {

    private static final ThreadLocal<Work> CURRENT = ThreadLocal.withInitial(() -> Work.OWN);

    private enum Work {
        OWN,
        READING,
        WRITING,
        /** Has a connection; a second one is given at once, since waiting for it could be waiting for oneself. */
        SERVED
    }

    /** Something done for a caller. */
    @FunctionalInterface
    public interface Task<E1 extends Exception, E2 extends Exception> {
        void run() throws E1, E2;
    }

    private final Semaphore callers;
    private final Semaphore writers;
    private final long patience;

    /**
     * @param size connections of the pool
     * @param patience milliseconds to wait for one, as the pool itself does
     */
    SharedConnections(DataSource pool, int size, long patience) {
        super(pool);
        this.callers = new Semaphore(Math.max(1, size * 3 / 4), true);
        this.writers = new Semaphore(Math.max(1, size / 4), true);
        this.patience = patience;
    }

    /** Runs this with connections as they are given to a caller who only looks. */
    public static <E1 extends Exception, E2 extends Exception> void reading(Task<E1, E2> task) throws E1, E2 {
        as(Work.READING, task);
    }

    /** Runs this with connections as they are given to a caller who changes something. */
    public static <E1 extends Exception, E2 extends Exception> void writing(Task<E1, E2> task) throws E1, E2 {
        as(Work.WRITING, task);
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
        if (work == Work.OWN || work == Work.SERVED) {
            return super.getConnection();
        }
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patience);
        Semaphore first = work == Work.WRITING ? writers : null;
        take(first, deadline);
        boolean taken = false;
        try {
            take(callers, deadline);
            taken = true;
            Connection connection = super.getConnection();
            CURRENT.set(Work.SERVED);
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

    private static void take(@Nullable Semaphore permits, long deadline) throws SQLException {
        try {
            if (permits != null && !permits.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw new SQLTransientConnectionException("callers have all the connections that they may have");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("interrupted while waiting for a connection", e);
        }
    }

    private static void give(@Nullable Semaphore permits) {
        if (permits != null) {
            permits.release();
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
