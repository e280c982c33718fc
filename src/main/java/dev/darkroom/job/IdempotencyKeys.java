package dev.darkroom.job;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** The rows of idempotency keys. A key's row comes and goes with its job's; the primary key settles races. */
@Component
class IdempotencyKeys {

    private record Row(String request, String jobId) {}

    private final JdbcClient sql;

    IdempotencyKeys(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * The id of the job that the key stands for.
     *
     * @throws IdempotencyKey.Reused if it was posted for another request
     */
    Optional<String> job(IdempotencyKey key) {
        Optional<Row> row = sql.sql("select request, job_id from idempotency where caller = ? and idempotency_key = ?")
                .params(key.caller(), key.key())
                .query((each, n) -> new Row(each.getString("request"), each.getString("job_id")))
                .optional();
        if (row.isPresent() && !row.get().request.equals(key.request())) {
            throw new IdempotencyKey.Reused(key.key());
        }
        return row.map(Row::jobId);
    }

    /**
     * Runs in the transaction that inserts the job.
     *
     * @throws org.springframework.dao.DuplicateKeyException if another has inserted the key meanwhile
     */
    void insert(IdempotencyKey key, String jobId, Instant now) {
        sql.sql("""
                        insert into idempotency (caller, idempotency_key, request, job_id, created_at)
                        values (?, ?, ?, ?, ?)""")
                .params(key.caller(), key.key(), key.request(), jobId, now.atOffset(ZoneOffset.UTC))
                .update();
    }

    /** Keeps the answer unless there is one already. @return the first one; null if the key is forgotten by now */
    IdempotencyKey.@Nullable Answer first(IdempotencyKey key, IdempotencyKey.Answer answer) {
        sql.sql("""
                        update idempotency set status = ?, body = ?
                        where caller = ? and idempotency_key = ? and status is null""")
                .params(answer.status(), answer.body(), key.caller(), key.key())
                .update();
        return sql.sql("select status, body from idempotency where caller = ? and idempotency_key = ?")
                .params(key.caller(), key.key())
                .query((row, n) -> new IdempotencyKey.Answer(row.getInt("status"), row.getString("body")))
                .optional()
                .orElse(null);
    }

    void deleteBefore(Instant time) {
        sql.sql("delete from idempotency where created_at < ?")
                .param(time.atOffset(ZoneOffset.UTC))
                .update();
    }
}
