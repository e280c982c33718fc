package dev.darkroom.job;

import dev.darkroom.request.Cost;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Priority;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * In which order jobs are begun: start-time fair queueing (Goyal, Vin and Cheng 1996, section 2). A job's start tag is
 * max(v, the finish tag of its flow's job before it); its finish tag is that plus its length divided by the flow's
 * weight; the lowest start tag is served first. v is the start tag of the job in service; here, where many are, their
 * median: of those that run together a newcomer's would have been half, and one job that runs for long does not hold v back.
 * A flow is what one caller
 * posts in one priority, whose weight it has; so one with 200 jobs and one with 5 take turns.
 */
final class FairOrder {

    private final JdbcClient sql;

    FairOrder(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * Gives the next place of the caller's flow away, in the caller's transaction; other jobs of the flow wait for it.
     *
     * @throws org.springframework.dao.DuplicateKeyException if another transaction began the flow meanwhile
     */
    long startTag(Cost cost, JobOptions options, String caller) {
        String priority = options.priority().id();
        Long last = sql.sql("select finish_tag from flow where caller = ? and priority = ? for update")
                .params(caller, priority)
                .query(Long.class)
                .optional()
                .orElse(null);
        long start = Math.max(virtualTime(), last == null ? 0 : last);
        long finish = start
                + cost.length() * Priority.HIGH.weight() / options.priority().weight();
        if (last == null) {
            sql.sql("insert into flow (caller, priority, finish_tag) values (?, ?, ?)")
                    .params(caller, priority, finish)
                    .update();
        } else {
            sql.sql("update flow set finish_tag = ? where caller = ? and priority = ?")
                    .params(finish, caller, priority)
                    .update();
        }
        return start;
    }

    private long virtualTime() {
        return sql.sql("""
                        select coalesce(
                            (select percentile_disc(0.5) within group (order by start_tag) from job where state = 'running'),
                            (select min(start_tag) from job where state = 'queued'),
                            (select max(finish_tag) from flow),
                            0)""").query(Long.class).single();
    }

    /** When nothing waits or runs, all flows are equal again and the tags begin anew. Mostly it only looks, so it writes nothing. */
    void forgetIfIdle() {
        boolean idle = sql.sql("select id from job where state = 'running' or state = 'queued' fetch first 1 rows only")
                .query(String.class)
                .list()
                .isEmpty();
        if (idle) {
            sql.sql("delete from flow").update();
        }
    }
}
