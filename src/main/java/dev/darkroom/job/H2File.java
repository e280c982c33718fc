package dev.darkroom.job;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.mvstore.MVStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of the embedded database. Every commit appends to it, and where commits are written at once ({@code WRITE_DELAY=0})
 * H2 has no thread that would use the space of what is outdated again; so this does.
 */
final class H2File {

    private static final Logger log = LoggerFactory.getLogger(H2File.class);

    /** Percent of a part that is in use; below that it is written anew. */
    private static final int FILL_RATE = 90;

    private static final int MOST_AT_A_TIME = 16 << 20; // bytes

    private final DataSource database;

    H2File(DataSource database) {
        this.database = database;
    }

    /**
     * Writes what is still in use of mostly outdated parts anew, so that commits take their place once H2's own retention time
     * is over: freed at once, as it was before, the file was not cut at its close. H2 itself moves all
     * together and cuts the file when it closes it. Its compactFile would do that at once, but has moments in which a crash finds
     * a part overwritten that is still referred to.
     *
     * @param atMost commits may have to wait for so long
     */
    void compact(Duration atMost) {
        try (Connection connection = database.getConnection()) {
            SessionLocal session =
                    (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
            MVStore store = session.getDatabase().getStore().getMvStore();
            long before = store.getFileStore().size();
            long end = System.nanoTime() + atMost.toNanos();
            while (store.compact(FILL_RATE, MOST_AT_A_TIME) && System.nanoTime() < end) {
                store.sync();
            }
            store.sync();
            log.debug(
                    "The database's file has gone from {} to {} bytes",
                    before,
                    store.getFileStore().size());
        } catch (SQLException e) {
            throw new IllegalStateException("the database cannot be compacted: " + e.getMessage(), e);
        }
    }
}
