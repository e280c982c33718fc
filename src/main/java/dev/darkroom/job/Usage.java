package dev.darkroom.job;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What callers with a quota have asked for. */
final class Usage {

    /** After which a job may have ended. */
    private static final Duration A_JOBS_TIME = Duration.ofSeconds(5);

    private final JdbcClient sql;

    Usage(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * Counts a job that the transaction goes on to insert. The caller's row is locked meanwhile, so that of two processes
     * neither takes what is left for one.
     *
     * @throws QuotaExceeded if it is too much
     * @throws org.springframework.dao.DuplicateKeyException if another transaction began the caller's day meanwhile
     */
    void count(String caller, Quota quota, int pictures, Instant now) {
        LocalDate today = now.atOffset(ZoneOffset.UTC).toLocalDate();
        long used = sql.sql("select pictures from caller_usage where caller = ? and used_on = ? for update")
                .params(caller, today)
                .query(Long.class)
                .optional()
                .orElse(-1L);
        if (used < 0) {
            sql.sql("insert into caller_usage (caller, used_on, pictures) values (?, ?, 0)")
                    .params(caller, today)
                    .update();
            used = 0;
        }
        if (quota.openJobs() != null && openJobs(caller) >= quota.openJobs()) {
            throw new QuotaExceeded(
                    QuotaExceeded.Kind.OPEN_JOBS,
                    "the caller has " + quota.openJobs() + " jobs that have not ended, as many as it may",
                    A_JOBS_TIME);
        }
        if (quota.picturesPerDay() != null && used + pictures > quota.picturesPerDay()) {
            throw new QuotaExceeded(
                    QuotaExceeded.Kind.PICTURES_PER_DAY,
                    "the caller may ask for " + quota.picturesPerDay() + " pictures a day, UTC, and has asked for "
                            + used + "; this job asks for " + pictures,
                    Duration.between(now, now.truncatedTo(ChronoUnit.DAYS).plus(1, ChronoUnit.DAYS)));
        }
        sql.sql("update caller_usage set pictures = pictures + ? where caller = ? and used_on = ?")
                .params(pictures, caller, today)
                .update();
    }

    private int openJobs(String caller) {
        return sql.sql("select count(*) from job where caller = ? and (state = 'queued' or state = 'running')")
                .param(caller)
                .query(Integer.class)
                .single();
    }

    void forgetDaysBefore(Instant now) {
        sql.sql("delete from caller_usage where used_on < ?")
                .param(now.atOffset(ZoneOffset.UTC).toLocalDate())
                .update();
    }
}
