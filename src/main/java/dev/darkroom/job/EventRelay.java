package dev.darkroom.job;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Carries {@link JobEvents} between processes that share a PostgreSQL database, by its NOTIFY; does nothing on H2, which
 * one process has for itself.
 *
 * <p>Notifications are sent outside the transactions of the jobs, because one that has sent some takes a lock at its
 * commit that all others wait for; many events go in one. Whatever gets lost, a notification, its sender or the
 * connection, is made up for by looking at the rows: every second while nothing can be heard, otherwise now and then.
 */
@Component
class EventRelay implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(EventRelay.class);

    private static final String CHANNEL = "darkroom_job_events";
    private static final int MAX_EVENTS = 100; // of 50 bytes each; a payload has less than 8,000 bytes
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final int LOOK_EVERY = 5; // ticks

    private final JobEvents events;
    private final JobKeeping store;
    private final JdbcClient sql;
    private final DataSource pool;
    private final JdbcConnectionDetails database;
    private final String self = UUID.randomUUID().toString().substring(0, 8);
    private final BlockingQueue<Map.Entry<String, JobEvent.Type>> outgoing = new LinkedBlockingQueue<>(10_000);
    private final List<Thread> threads = new ArrayList<>();

    private volatile boolean running;
    private volatile @Nullable Connection listening;

    EventRelay(JobEvents events, JobKeeping store, JdbcClient sql, DataSource pool, JdbcConnectionDetails database) {
        this.events = events;
        this.store = store;
        this.sql = sql;
        this.pool = pool;
        this.database = database;
    }

    private void send() {
        while (running) {
            try {
                List<Map.Entry<String, JobEvent.Type>> batch = new ArrayList<>(List.of(outgoing.take()));
                outgoing.drainTo(batch, MAX_EVENTS - 1);
                Map<String, JobEvent.Type> newest = new LinkedHashMap<>();
                batch.forEach(event -> newest.put(event.getKey(), event.getValue()));
                String payload = newest.entrySet().stream()
                        .map(event -> event.getKey() + " " + event.getValue().id())
                        .collect(Collectors.joining("\n", self + "\n", ""));
                sql.sql("select pg_notify(?, ?)")
                        .params(CHANNEL, payload)
                        .query((row, n) -> n)
                        .list();
            } catch (InterruptedException e) {
                return;
            } catch (DataAccessException e) {
                log.debug("Notifications were not sent; other processes will look at the rows", e);
            }
        }
    }

    private void receive() {
        while (running) {
            try (Connection connection = connect()) {
                listening = connection;
                try (Statement statement = connection.createStatement()) {
                    statement.execute("listen " + CHANNEL);
                }
                log.debug("Listening for events of other processes");
                for (int tick = 0; running; tick++) {
                    if (tick % LOOK_EVERY == 0) {
                        look();
                    }
                    PGNotification[] heard =
                            connection.unwrap(PGConnection.class).getNotifications((int) TICK.toMillis());
                    if (heard != null) {
                        for (PGNotification notification : heard) {
                            hear(notification.getParameter());
                        }
                    }
                }
            } catch (SQLException | RuntimeException e) {
                if (running) {
                    log.warn("Events of other processes cannot be heard; trying again: {}", e.getMessage());
                }
            }
            listening = null;
            pause();
            look();
        }
    }

    Connection connect() throws SQLException {
        Properties properties = new Properties();
        if (pool.isWrapperFor(HikariDataSource.class)) { // for example how connections are encrypted
            properties.putAll(pool.unwrap(HikariDataSource.class).getDataSourceProperties());
        }
        properties.remove("socketTimeout"); // this one waits for hours
        properties.setProperty("user", String.valueOf(database.getUsername()));
        properties.setProperty("password", String.valueOf(database.getPassword()));
        properties.setProperty("connectTimeout", "2");
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("ApplicationName", "darkroom-events");
        return DriverManager.getConnection(database.getJdbcUrl(), properties);
    }

    private void hear(String payload) {
        String[] lines = payload.split("\n");
        if (lines[0].equals(self)) {
            return;
        }
        for (int i = 1; i < lines.length; i++) {
            String[] event = lines[i].split(" ");
            events.heard(event[0], JobEvent.Type.valueOf(event[1].toUpperCase(Locale.ROOT)));
        }
    }

    /** Wakes everybody here whose job may have moved unheard. */
    private void look() {
        if (!running) {
            return;
        }
        try {
            store.newestEvents(events.subscribed()).forEach(events::heard);
        } catch (DataAccessException e) {
            log.debug("The rows cannot be looked at", e);
        }
    }

    private void pause() {
        try {
            Thread.sleep(running ? TICK.toMillis() : 0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public synchronized void start() {
        if (JobConfiguration.isH2(database)) {
            return;
        }
        running = true;
        events.onOwn((id, type) -> {
            if (running) {
                outgoing.offer(Map.entry(id, type)); // a full queue means that the database is away
            }
        });
        threads.add(thread("events-out", this::send));
        threads.add(thread("events-in", this::receive));
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    @Override
    public synchronized void stop() {
        running = false;
        threads.forEach(Thread::interrupt);
        threads.clear();
        Connection connection = listening;
        if (connection != null) {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException e) {
                log.debug("The listening connection was not closed", e);
            }
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return 0; // before the web server and the workers, and after them on the way down
    }
}
