package dev.darkroom.fleet;

import dev.darkroom.request.ModelInfo;
import dev.darkroom.request.StoredJson;
import dev.darkroom.request.UnreadableRow;
import jakarta.annotation.PreDestroy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The models that workers serve: each worker process publishes its own here, the API reads them all. Empty until a
 * worker is ready. What a worker has published is gone half a minute after the worker has died.
 */
@Component
public class Models {

    private static final Logger log = LoggerFactory.getLogger(Models.class);

    private static final String ALIVE = "seen_at > current_timestamp - interval '30' second";

    private final JdbcClient sql;
    private final TransactionTemplate transaction;
    private final String self = "darkroom-" + UUID.randomUUID();
    private @Nullable List<ModelInfo> published;

    Models(JdbcClient sql, PlatformTransactionManager transactions) {
        this.sql = sql;
        this.transaction = new TransactionTemplate(transactions);
    }

    /**
     * Replaces what this process publishes.
     *
     * @param models the default model first; none if this process draws no more
     */
    public synchronized void publish(List<ModelInfo> models) {
        transaction.executeWithoutResult(status -> {
            withdraw();
            if (!models.isEmpty()) {
                sql.sql("insert into worker (id, seen_at) values (?, current_timestamp)")
                        .param(self)
                        .update();
            }
            for (int i = 0; i < models.size(); i++) {
                sql.sql("insert into model (worker_id, id, position, info) values (?, ?, ?, ?)")
                        .params(self, models.get(i).id(), i, StoredJson.of(models.get(i)))
                        .update();
            }
        });
        published = models.isEmpty() ? null : List.copyOf(models);
    }

    /** The default model first. */
    public List<ModelInfo> all() {
        Map<String, ModelInfo> union = new LinkedHashMap<>();
        sql.sql("select info from model join worker on worker.id = worker_id where " + ALIVE
                        + " order by position, model.id, worker_id")
                .query(row -> {
                    try {
                        ModelInfo model = StoredJson.model(row.getString("info"));
                        union.putIfAbsent(model.id(), model);
                    } catch (UnreadableRow e) {
                        log.debug("A model of a worker of another version is left out", e);
                    }
                });
        return List.copyOf(union.values());
    }

    public Optional<ModelInfo> find(String id) {
        return all().stream().filter(model -> model.id().equals(id)).findFirst();
    }

    /** How many processes draw. */
    public int workers() {
        return sql.sql("select count(*) from worker where " + ALIVE)
                .query(Integer.class)
                .single();
    }

    /** Says that this process still serves what it has published; called every second. */
    public synchronized void heartbeat() {
        if (published != null
                && sql.sql("update worker set seen_at = current_timestamp where id = ?")
                                .param(self)
                                .update()
                        == 0) {
            publish(published); // it was taken for dead
        }
    }

    public void forgetDead() {
        sql.sql("delete from worker where not (" + ALIVE + ")").update();
    }

    public void clear() {
        sql.sql("delete from worker").update();
    }

    private void withdraw() {
        sql.sql("delete from worker where id = ?").param(self).update();
    }

    @PreDestroy
    synchronized void close() {
        if (published != null) {
            published = null;
            try {
                withdraw();
            } catch (DataAccessException e) {
                log.debug("The models of this process are not withdrawn; they vanish by themselves", e);
            }
        }
    }
}
