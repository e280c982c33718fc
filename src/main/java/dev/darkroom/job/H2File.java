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

    private final DataSource database;

    H2File(DataSource database) {
        this.database = database;
    }

    /**
     * Moves what is in use together and gives the rest of the file back. What is outdated is overwritten at once then, but not
     * before what is newer is on the disk.
     *
     * @param atMost commits may have to wait for so long
     */
    void compact(Duration atMost) {
        try (Connection connection = database.getConnection()) {
            SessionLocal session =
                    (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
            MVStore store = session.getDatabase().getStore().getMvStore();
            int retention = store.getRetentionTime();
            long before = store.getFileStore().size();
            try {
                store.compactFile((int) atMost.toMillis());
            } finally {
                store.setRetentionTime(retention);
            }
            log.debug(
                    "The database's file has gone from {} to {} bytes",
                    before,
                    store.getFileStore().size());
        } catch (SQLException e) {
            throw new IllegalStateException("the database cannot be compacted: " + e.getMessage(), e);
        }
    }
}
