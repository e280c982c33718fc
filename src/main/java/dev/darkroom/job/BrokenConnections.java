package dev.darkroom.job;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;

/**
 * Which connections the pool throws away after an error, beside those whose error says so by itself. After a write that
 * failed, on a full disk for example, H2 closes the database for all of its connections, and only a new one opens it again.
 */
public final class BrokenConnections implements SQLExceptionOverride {

    /** {@code DATABASE_IS_CLOSED}, org.h2.api.ErrorCode. */
    private static final int CLOSED = 90098;

    /** {@code GENERAL_ERROR_1}: the error that closes the database. */
    private static final int GENERAL_ERROR = 50000;

    @java.lang.Override
    public Override adjudicate(SQLException e) {
        return e.getErrorCode() == CLOSED || e.getErrorCode() == GENERAL_ERROR
                ? Override.MUST_EVICT
                : Override.CONTINUE_EVICT;
    }
}
