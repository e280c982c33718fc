package dev.darkroom.job;

import dev.darkroom.spec.ModelInfo;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/** The models that workers serve: workers publish them here, the API reads them here. Empty until a worker is ready. */
@Component
public class Models {

    private final JdbcClient sql;
    private final TransactionTemplate transaction;
    private final JsonMapper json = JsonMapper.shared();

    Models(JdbcClient sql, PlatformTransactionManager transactions) {
        this.sql = sql;
        this.transaction = new TransactionTemplate(transactions);
    }

    /**
     * Replaces what is published.
     *
     * @param models the default model first
     */
    public void publish(List<ModelInfo> models) {
        transaction.executeWithoutResult(status -> {
            clear();
            for (int i = 0; i < models.size(); i++) {
                sql.sql("insert into model (id, position, info) values (?, ?, ?)")
                        .params(models.get(i).id(), i, json.writeValueAsString(models.get(i)))
                        .update();
            }
        });
    }

    /** The default model first. */
    public List<ModelInfo> all() {
        return sql.sql("select info from model order by position")
                .query((row, n) -> json.readValue(row.getString("info"), ModelInfo.class))
                .list();
    }

    public Optional<ModelInfo> find(String id) {
        return all().stream().filter(model -> model.id().equals(id)).findFirst();
    }

    void clear() {
        sql.sql("delete from model").update();
    }
}
